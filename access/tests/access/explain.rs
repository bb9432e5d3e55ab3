//! Explanations from rows.

use crate::house::{House, Seam};
use commons_access::{Effect, Permission, Permissions, Rule, explain_channel};
use commons_entities::{ChannelId, RoleId};
use commons_platform::clock::Clock;
use uuid::Uuid;

#[tokio::test]
async fn rows_are_explained_as_access_answers() {
    let house = House::new(Seam::Local).await;
    let (db, now) = (house.world.database.reconnect().await, house.world.clock.now());
    for who in [&house.owner, &house.alice, &house.bob] {
        for channel in [house.general, house.hidden] {
            let before = db.query_count();
            let told = explain_channel(db.read(), channel, who.user, now)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(db.query_count() - before, 9);
            let allowed: Permissions = told
                .iter()
                .filter(|one| one.allowed)
                .map(|one| one.permission)
                .collect();
            let standing = &house.access.channels_of(&[(channel, who.user)]).await.unwrap()[0];
            let permissions = standing.as_ref().map(|standing| standing.permissions());
            assert_eq!(allowed, permissions.unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn a_hidden_channel_is_explained_too() {
    let house = House::new(Seam::Local).await;
    let (db, now) = (&house.world.platform.db, house.world.clock.now());
    let told = explain_channel(db.read(), house.hidden, house.alice.user, now)
        .await
        .unwrap()
        .unwrap();
    let steps = |permission: Permission| -> Vec<(Rule, Effect)> {
        let one = told.iter().find(|one| one.permission == permission).unwrap();
        assert!(!one.allowed);
        one.steps.iter().map(|step| (step.rule, step.effect)).collect()
    };
    let everyone = (Rule::Role(RoleId(house.guild.0)), Effect::Allows);
    assert_eq!(
        steps(Permission::ViewChannel),
        [everyone, (Rule::EveryoneOverwrite, Effect::Denies)]
    );
    assert_eq!(
        steps(Permission::SendMessages),
        [everyone, (Rule::NoViewChannel, Effect::Denies)]
    );
    assert_eq!(steps(Permission::BanMembers), []);
}

#[tokio::test]
async fn what_does_not_exist_is_not_explained() {
    let house = House::new(Seam::Local).await;
    let (db, now) = (&house.world.platform.db, house.world.clock.now());
    let unknown = ChannelId(Uuid::from_u128(7));
    for (channel, who) in [(unknown, &house.owner), (house.general, &house.stranger)] {
        let told = explain_channel(db.read(), channel, who.user, now).await.unwrap();
        assert_eq!(told, None);
    }
    let _ = house.delete_general().await;
    let told = explain_channel(db.read(), house.general, house.owner.user, now)
        .await
        .unwrap();
    assert_eq!(told, None);
}
