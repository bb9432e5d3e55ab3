//! Exports: shares of several owners, read when all are there, gone after seven days.

use crate::fixture::{jobs, until, worker_of};
use commons_entities::{
    ExportId, UserId,
    job::{data_export, data_export_part},
};
use commons_jobs::{
    Effect, Owner, Progress,
    export::{self, Document, Share, State},
};
use commons_platform::{ApiError, Code, Platform, page::PageArgs};
use commons_testing::World;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

async fn begin(world: &World, user: UserId) -> data_export::Model {
    let platform = &world.platform;
    let tx = platform.db.begin().await.unwrap();
    let id = ExportId(platform.clock.new_id());
    let (row, enqueued) = export::begin(&tx, id, user, platform.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    enqueued.announce(&platform.bus).await;
    row
}

/// Three steps: two documents each, the cursor counts them.
async fn write(platform: Platform, owner: Owner, effect: Effect) -> Result<Progress, ApiError> {
    let tx = platform.db.begin().await?;
    let progress = match effect {
        Effect::ExportAccount { export, .. } => {
            let Some(share) = Share::take(&tx, export, owner).await? else {
                return Ok(Progress::Done);
            };
            let step: u32 = share.cursor().unwrap_or("0").parse().unwrap();
            let mut documents = Document::pack("numbers", [json!(step * 2 + 1)]);
            documents.extend(Document::pack("numbers", [json!(step * 2 + 2)]));
            let next = (step < 3).then(|| (step + 1).to_string());
            return Ok(share.step(tx, documents, next).await?);
        }
        Effect::RemoveExport { export } => export::remove(&tx, export).await?,
        _ => Progress::Done,
    };
    tx.commit().await?;
    Ok(progress)
}

/// Wakes the workers of the message service.
async fn wake(world: &World) {
    world
        .platform
        .bus
        .publish("jobs:message", bytes::Bytes::new())
        .await;
}

fn workers(world: &World, owners: &[Owner]) -> Vec<commons_jobs::Worker> {
    owners
        .iter()
        .map(|owner| {
            let (platform, owner) = (world.platform.clone(), *owner);
            worker_of(owner, &world.platform, move |effect| {
                write(platform.clone(), owner, effect)
            })
        })
        .collect()
}

async fn current(world: &World, row: &data_export::Model) -> Option<data_export::Model> {
    let platform = &world.platform;
    export::find(platform.db.read(), row.id, row.user_id, platform.clock.now())
        .await
        .unwrap()
}

async fn state(world: &World, row: &data_export::Model) -> State {
    let row = current(world, row).await.unwrap();
    export::states(world.platform.db.read(), &[row]).await.unwrap()[0]
}

async fn parts(world: &World, row: &data_export::Model, args: &PageArgs) -> Vec<(String, i64, String)> {
    let row = current(world, row).await.unwrap();
    let rows = export::page_parts(world.platform.db.read(), &row, args)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.owner, row.number, row.body))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_with_its_last_share_and_goes_after_seven_days() {
    let world = World::new().await;
    let user = UserId(world.platform.clock.new_id());
    let row = begin(&world, user).await;
    let all = PageArgs::forward(Some(100), None).unwrap();
    let first = workers(&world, &[Owner::User, Owner::Channel]);
    until("two shares are written", || async {
        data_export_part::Entity::find()
            .count(world.platform.db.read())
            .await
            .unwrap()
            == 12
    })
    .await;
    assert_eq!(state(&world, &row).await, State::Running);
    assert_eq!(parts(&world, &row, &all).await, [], "nothing before all is there");
    let last = workers(&world, &[Owner::Message]);
    until("it is ready", || async {
        state(&world, &row).await == State::Ready
    })
    .await;

    let found = parts(&world, &row, &all).await;
    let expected: Vec<_> = ["channel", "message", "user"]
        .iter()
        .flat_map(|owner| (1..=6).map(|number| ((*owner).to_owned(), number, format!("[{number}]"))))
        .collect();
    assert_eq!(found, expected);
    let cursor = commons_platform::page::Cursor::encode(export::PARTS_LIST, &("channel".to_owned(), 5i64));
    let page = PageArgs::forward(Some(2), Some(&cursor)).unwrap();
    assert_eq!(parts(&world, &row, &page).await, expected[5..8]);

    let stranger = UserId(world.platform.clock.new_id());
    let (db, now) = (world.platform.db.read(), world.platform.clock.now());
    assert_eq!(export::find(db, row.id, stranger, now).await.unwrap(), None);

    world.clock.advance(export::KEPT);
    assert_eq!(current(&world, &row).await, None, "hidden at once");
    until("its rows are gone", || async {
        data_export::Entity::find()
            .count(world.platform.db.read())
            .await
            .unwrap()
            == 0
    })
    .await;
    assert_eq!(data_export_part::Entity::find().count(db).await.unwrap(), 0);
    drop((first, last));
}

#[tokio::test]
async fn what_is_withdrawn_is_hidden_at_once_and_written_no_further() {
    let world = World::new().await;
    let user = UserId(world.platform.clock.new_id());
    let row = begin(&world, user).await;
    let tx = world.platform.db.begin().await.unwrap();
    let enqueued = export::withdraw(&tx, user, world.platform.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    enqueued.announce(&world.platform.bus).await;
    assert_eq!(current(&world, &row).await, None);
    let _workers = workers(&world, &[Owner::User, Owner::Channel, Owner::Message]);
    until("all is gone but the removal that comes later", || async {
        let db = world.platform.db.read();
        data_export::Entity::find().count(db).await.unwrap() == 0
            && commons_entities::job::job::Entity::find()
                .count(db)
                .await
                .unwrap()
                == 1
    })
    .await;
}

#[tokio::test]
async fn a_share_that_is_given_up_leaves_it_incomplete() {
    let world = World::new().await;
    let user = UserId(world.platform.clock.new_id());
    let row = begin(&world, user).await;
    let failing = worker_of(Owner::Message, &world.platform, |_| async {
        Err(ApiError::new(Code::Internal, "never"))
    });
    let _others = workers(&world, &[Owner::User, Owner::Channel]);
    until("it is given up", || async {
        // Straight to the next attempt, whenever that is.
        for job in jobs(&world.platform, Owner::Message).await {
            if job.claimed_until.is_none() && job.failed_at.is_none() {
                let pause = job.run_at - world.platform.clock.now();
                world.clock.advance(pause.max(chrono::TimeDelta::zero()));
                wake(&world).await;
            }
        }
        state(&world, &row).await == State::Incomplete
    })
    .await;
    let all = PageArgs::forward(Some(100), None).unwrap();
    assert_eq!(parts(&world, &row, &all).await.len(), 12);
    drop(failing);
}
