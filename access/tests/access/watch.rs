//! Live streams end when their viewer loses access, and only then.

use crate::house::{House, Seam, actor, on_both_seams};
use commons_access::{AccessWatch, Ended, Permissions, Recorded, Subject};
use commons_entities::channel::member_role;
use commons_platform::{ApiError, Code, auth::Actor};
use futures_util::{FutureExt, StreamExt, stream};
use sea_orm::EntityTrait;
use std::time::Duration;

on_both_seams! {
    a_kick_ends_the_stream_of_that_member_alone
    an_overwrite_a_role_and_a_deletion_end_streams
    a_change_that_leaves_the_view_leaves_the_stream
    a_role_taken_ends_what_it_showed
    a_revoked_session_ends_its_streams
    a_change_that_nobody_announces_ends_the_stream_too
    a_guarded_stream_gives_nothing_after_the_loss
    who_loses_the_history_begins_anew_without_it
    a_guarded_stream_ends_with_its_items
    nobody_watches_what_they_do_not_see
}

/// Longer than any machine needs; a test that waits this long fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn watch(house: &House) -> AccessWatch {
    house
        .access
        .guard_channel(&actor(&house.alice), house.general)
        .await
        .unwrap()
}

async fn ended(watch: &mut AccessWatch) -> Ended {
    tokio::time::timeout(PATIENCE, watch.ended()).await.unwrap()
}

/// Announces a change and asks why the watch ended.
async fn after(house: &House, watch: &mut AccessWatch, recorded: Recorded) -> Ended {
    house.announce(recorded).await;
    ended(watch).await
}

async fn a_kick_ends_the_stream_of_that_member_alone(seam: Seam) {
    let house = House::new(seam).await;
    let mut alice = watch(&house).await;
    let mut bob = house
        .access
        .guard_channel(&actor(&house.bob), house.general)
        .await
        .unwrap();
    let mut guild = house
        .access
        .guard_guild(&actor(&house.alice), house.guild)
        .await
        .unwrap();
    let recorded = house.kick(house.alice.user).await;
    assert!(matches!(after(&house, &mut alice, recorded).await, Ended::Hidden));
    assert!(matches!(ended(&mut guild).await, Ended::Hidden));
    assert!(matches!(ended(&mut alice).await, Ended::Hidden), "it stays ended");
    assert!(bob.ended().now_or_never().is_none());
    let refused = house
        .access
        .guard_channel(&actor(&house.alice), house.general)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

async fn an_overwrite_a_role_and_a_deletion_end_streams(seam: Seam) {
    let house = House::new(seam).await;
    let mut by_role = watch(&house).await;
    let recorded = house.set_everyone(Permissions::SEND_MESSAGES).await;
    assert!(matches!(
        after(&house, &mut by_role, recorded).await,
        Ended::Hidden
    ));
    house
        .announce(house.set_everyone(Permissions::DEFAULT).await)
        .await;

    let mut by_deletion = watch(&house).await;
    let recorded = house.delete_general().await;
    assert!(matches!(
        after(&house, &mut by_deletion, recorded).await,
        Ended::Hidden
    ));

    let house = House::new(seam).await;
    let mut by_overwrite = watch(&house).await;
    let recorded = house.deny_in_general(Permissions::VIEW_CHANNEL).await;
    assert!(matches!(
        after(&house, &mut by_overwrite, recorded).await,
        Ended::Hidden
    ));
}

async fn a_change_that_leaves_the_view_leaves_the_stream(seam: Seam) {
    let house = House::new(seam).await;
    let mut watch = watch(&house).await;
    let less = house.set_everyone(Permissions::VIEW_CHANNEL).await;
    house.announce(less).await;
    // Given up in the middle of a check, then asked again: nothing is forgotten.
    for _ in 0..3 {
        assert!(watch.ended().now_or_never().is_none());
    }
    let recorded = house.kick(house.alice.user).await;
    assert!(matches!(after(&house, &mut watch, recorded).await, Ended::Hidden));
}

async fn a_role_taken_ends_what_it_showed(seam: Seam) {
    let house = House::new(seam).await;
    let db = &house.world.platform.db;
    let (role, view) = (
        commons_access::compute::Target::Role(house.moderators),
        Permissions::VIEW_CHANNEL,
    );
    commons_testing::seed::overwrite(db, house.hidden, role, view, Permissions::empty()).await;
    let mut watch = house
        .access
        .guard_channel(&actor(&house.bob), house.hidden)
        .await
        .unwrap();
    let key = (house.guild, house.bob.user, house.moderators);
    let recorded = house
        .write(&[Subject::Member(house.guild, house.bob.user)], async |tx| {
            member_role::Entity::delete_by_id(key).exec(tx).await.map(drop)
        })
        .await;
    assert!(matches!(after(&house, &mut watch, recorded).await, Ended::Hidden));
}

async fn a_revoked_session_ends_its_streams(seam: Seam) {
    let house = House::new(seam).await;
    let mut watch = watch(&house).await;
    let other = house.world.identity(house.alice.user).await;
    let mut on_another_device = house
        .access
        .guard_channel(&actor(&other), house.general)
        .await
        .unwrap();
    let recorded = house
        .write(&[Subject::Session(house.alice.session)], async |_| Ok(()))
        .await;
    let why = after(&house, &mut watch, recorded).await;
    assert_eq!(ApiError::from(why).code(), Code::Unauthenticated);
    assert!(on_another_device.ended().now_or_never().is_none());
    let refused = house
        .access
        .guard_channel(&actor(&house.alice), house.general)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

async fn a_change_that_nobody_announces_ends_the_stream_too(seam: Seam) {
    let house = House::new(seam).await;
    let mut watch = watch(&house).await;
    let _ = house.kick(house.alice.user).await;
    assert!(matches!(ended(&mut watch).await, Ended::Hidden));
}

/// Many streams, because an item is always ready: chance must not decide what comes first.
async fn a_guarded_stream_gives_nothing_after_the_loss(seam: Seam) {
    let house = House::new(seam).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Box::pin(watch(&house).await.guard(stream::repeat(1))));
    }
    let less = Permissions::VIEW_CHANNEL | Permissions::READ_HISTORY;
    let less = house.set_everyone(less).await;
    house.announce(less).await;
    for items in &mut streams {
        assert_eq!(items.next().await.unwrap().unwrap(), 1);
    }
    let recorded = house.kick(house.alice.user).await;
    house.announce(recorded).await;
    for items in &mut streams {
        assert_eq!(items.next().await.unwrap().unwrap_err().code(), Code::NotFound);
        assert!(items.next().await.is_none());
    }
}

async fn who_loses_the_history_begins_anew_without_it(seam: Seam) {
    let house = House::new(seam).await;
    let mut watched = watch(&house).await;
    let recorded = house.set_everyone(Permissions::VIEW_CHANNEL).await;
    assert!(matches!(after(&house, &mut watched, recorded).await, Ended::Less));
    // Whoever begins without it has nothing to lose but the sight of it.
    let mut again = watch(&house).await;
    let recorded = house.kick(house.alice.user).await;
    assert!(matches!(after(&house, &mut again, recorded).await, Ended::Hidden));
}

async fn a_guarded_stream_ends_with_its_items(seam: Seam) {
    let house = House::new(seam).await;
    let mut items = Box::pin(watch(&house).await.guard(stream::iter([1])));
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    assert!(items.next().await.is_none());
}

async fn nobody_watches_what_they_do_not_see(seam: Seam) {
    let house = House::new(seam).await;
    let refused = house
        .access
        .guard_channel(&actor(&house.alice), house.hidden)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = house
        .access
        .guard_guild(&actor(&house.stranger), house.guild)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = house
        .access
        .guard_guild(&Actor::Anonymous, house.guild)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
