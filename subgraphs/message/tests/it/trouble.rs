//! Connections that are lost, on PostgreSQL, where there are some: nothing acknowledged is missing,
//! nothing is there twice, and who asks again is answered.

use crate::{
    house::{House, SEND, sending, sending_as, soon},
    proxy::Proxy,
    replica::Replica,
};
use commons_entities::message::message;
use commons_platform::{db::Db, task};
use commons_streams::log;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Ends every other connection to this database, whatever it is doing.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_cut_cost_no_message() {
    const SENDERS: usize = 8;
    const EACH: usize = 40;
    let house = Arc::new(House::new().await);
    if !house.platform.db.is_postgres() {
        return;
    }
    let channels = [house.general, house.channel("other").await];
    for channel in channels {
        house.say(&house.bob, channel, "warm").await;
    }
    let done = Arc::new(AtomicUsize::new(0));
    let senders = (0..SENDERS).map(|sender| {
        let (house, done) = (house.clone(), done.clone());
        task::spawn(async move {
            let mut acknowledged = Vec::new();
            for i in 0..EACH {
                let body = format!("{sender}/{i}");
                let variables = sending_as(channels[sender % 2], &body, &body);
                let id = loop {
                    let answer = house.ask(&house.bob).send(SEND, variables.clone()).await;
                    let message = &answer["data"]["sendMessage"]["message"];
                    if let Some(id) = message["id"].as_str() {
                        break id.to_owned();
                    }
                    let code = &answer["errors"][0]["extensions"]["code"];
                    assert!(code == "UNAVAILABLE" || code == "OVERLOADED", "{answer}");
                };
                acknowledged.push(id);
                done.fetch_add(1, Ordering::Relaxed);
            }
            acknowledged
        })
    });
    let senders: Vec<_> = senders.collect();
    let knife = house.world.database.reconnect().await;
    for cut in 1..=10 {
        let next = cut * SENDERS * EACH / 12;
        soon(async {
            while done.load(Ordering::Relaxed) < next {
                tokio::task::yield_now().await;
            }
        })
        .await;
        knife.writer().execute_unprepared(CUT).await.unwrap();
    }
    let acknowledged: Vec<String> = soon(join_all(senders))
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    let rows = message::Entity::find().order_by_asc(message::Column::Seq);
    let rows = rows.all(knife.read()).await.unwrap();
    assert_eq!(rows.len(), SENDERS * EACH + 2, "nothing is there twice");
    let there: HashSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
    assert!(acknowledged.iter().all(|id| there.contains(id)));
    for channel in channels {
        let seqs = rows
            .iter()
            .filter(|row| row.channel_id == channel)
            .map(|row| row.seq);
        let count = i64::try_from(seqs.clone().count()).unwrap();
        assert!(seqs.eq(1..=count));
        // The house may hold connections that were cut and that nobody has tried since.
        let head = log::head(knife.writer(), channel.0).await.unwrap().unwrap();
        assert_eq!((head.ordinal, head.seq), (count, count));
    }
}

/// A commit that is sent and not answered: the transaction may end either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_without_an_answer_is_settled() {
    let house = Arc::new(House::new().await);
    if !house.platform.db.is_postgres() {
        return;
    }
    house.say(&house.bob, house.general, "warm").await;
    let db = house.world.database.reconnect().await;
    // The commit takes long, so that the connection can be cut while it runs.
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.content = 'slow' THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$;
        CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON message DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION dawdle()";
    db.writer().execute_unprepared(slow).await.unwrap();
    let send = {
        let house = house.clone();
        task::spawn(async move {
            let variables = sending_as(house.general, "slow", "n");
            house.ask(&house.bob).send(SEND, variables).await
        })
    };
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query = 'COMMIT' AND state = 'active'
            AND pid <> pg_backend_pid()";
    soon(async {
        while db.writer().execute_unprepared(cut).await.unwrap().rows_affected() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        db.writer()
            .execute_unprepared("DROP TRIGGER dawdle ON message")
            .await
            .unwrap();
    })
    .await;
    let answer = soon(send).await.unwrap();
    assert_eq!(
        answer["data"]["sendMessage"]["message"]["seq"], 2,
        "it was not committed, so it was written again: {answer}"
    );
    assert_eq!(house.counts(house.general).await, (2, 2));
}

/// A service whose way to the database leads through a proxy; none on SQLite.
async fn through_proxy(house: &House) -> Option<(Replica, Proxy)> {
    if !house.platform.db.is_postgres() {
        return None;
    }
    let (proxy, config) = Proxy::before(&house.world.database.config.database).await;
    let replica = Replica::over(house, Db::connect(&config).await.unwrap()).await;
    let bob = replica.ask(&house.bob);
    bob.data(SEND, sending(house.general, "warm")).await;
    Some((replica, proxy))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_happened_is_not_repeated() {
    let house = House::new().await;
    let Some((replica, proxy)) = through_proxy(&house).await else {
        return;
    };
    for i in 2..7 {
        proxy.hush_next_commit();
        let bob = replica.ask(&house.bob);
        let variables = sending(house.general, "without a nonce");
        let answer = soon(bob.send(SEND, variables)).await;
        assert_eq!(answer["data"]["sendMessage"]["message"]["seq"], i, "{answer}");
        assert_eq!(proxy.hushed(), i - 1);
    }
    assert_eq!(house.counts(house.general).await, (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_restarts_is_used_again_at_once() {
    let house = House::new().await;
    let Some((replica, mut proxy)) = through_proxy(&house).await else {
        return;
    };
    let bob = replica.ask(&house.bob);
    // Away for a moment: whoever sends meanwhile waits, and is answered.
    proxy.close();
    let back = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        proxy.open().await;
    };
    let (answer, ()) = tokio::join!(bob.send(SEND, sending(house.general, "patient")), back);
    assert_eq!(answer["data"]["sendMessage"]["message"]["seq"], 2, "{answer}");

    // Away for longer: they are told so in time, and who comes when it is back is answered.
    proxy.close();
    let asked = Instant::now();
    let error = bob.error(SEND, sending(house.general, "lost")).await;
    assert_eq!(error, json!({ "code": "UNAVAILABLE" }));
    assert!(asked.elapsed() < Duration::from_secs(7), "{:?}", asked.elapsed());
    proxy.open().await;
    let asked = Instant::now();
    let answer = bob.send(SEND, sending(house.general, "again")).await;
    assert_eq!(answer["data"]["sendMessage"]["message"]["seq"], 3, "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(house.counts(house.general).await, (3, 3));
}
