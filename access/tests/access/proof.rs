//! Proofs inside a transaction.

use crate::house::{House, Seam, actor};
use commons_access::{
    ChannelSeat, Denied, Permission, Permissions, Subject, channels_in, guilds_in, revalidate,
    revalidate_guild,
};
use commons_platform::clock::Clock;
use commons_testing::{Identity, seed};

async fn seat(house: &House, who: &Identity, permission: Permission) -> ChannelSeat {
    house
        .channel(who, house.general)
        .await
        .unwrap()
        .require(permission)
        .unwrap()
}

#[tokio::test]
async fn nothing_changed_is_one_statement() {
    let house = House::new(Seam::Local).await;
    let seats = [
        seat(&house, &house.alice, Permission::SendMessages).await,
        seat(&house, &house.bob, Permission::KickMembers).await,
    ];
    let many: Vec<&ChannelSeat> = seats.iter().cycle().take(256).collect();
    let guild = house
        .access
        .guild(&actor(&house.alice), house.guild)
        .await
        .unwrap()
        .member();
    // A connection of its own, so that nobody else's statements count.
    let db = house.world.database.reconnect().await;
    let tx = db.begin().await.unwrap();
    let before = db.query_count();
    let now = house.world.clock.now();
    let again = revalidate(&tx, &many, now).await.unwrap();
    assert_eq!(db.query_count() - before, 1);
    assert!(again.iter().zip(&many).all(|(new, old)| new.as_ref() == Ok(*old)));
    assert_eq!(revalidate_guild(&tx, &guild, now).await.unwrap(), Ok(guild));
    assert_eq!(db.query_count() - before, 2);
    assert!(revalidate(&tx, &[], now).await.unwrap().is_empty());
    assert_eq!(db.query_count() - before, 2);
}

#[tokio::test]
async fn what_changed_is_computed_anew_each_for_itself() {
    let house = House::new(Seam::Local).await;
    let alice_sends = seat(&house, &house.alice, Permission::SendMessages).await;
    let alice_views = seat(&house, &house.alice, Permission::ViewChannel).await;
    let owner_sends = seat(&house, &house.owner, Permission::SendMessages).await;
    let bob_sends = seat(&house, &house.bob, Permission::SendMessages).await;
    // Two processes away: nothing is announced, what is kept here is stale.
    let _ = house.set_everyone(Permissions::VIEW_CHANNEL).await;
    let _ = house.kick(house.bob.user).await;
    let db = house.world.database.reconnect().await;
    let tx = db.begin().await.unwrap();
    let seats = [&alice_sends, &bob_sends, &alice_views, &owner_sends];
    let before = db.query_count();
    let again = revalidate(&tx, &seats, house.world.clock.now()).await.unwrap();
    assert_eq!(db.query_count() - before, 10);
    assert_eq!(again[0], Err(Denied::Missing(Permission::SendMessages)));
    assert_eq!(again[1], Err(Denied::Hidden));
    let views = again[2].as_ref().unwrap();
    assert_eq!(
        (views.permissions(), views.required()),
        (Permissions::VIEW_CHANNEL, Permission::ViewChannel)
    );
    assert_eq!(again[3].as_ref().unwrap().permissions(), Permissions::all());
    let before = db.query_count();
    let fresh: Vec<&ChannelSeat> = again.iter().flatten().collect();
    assert!(
        revalidate(&tx, &fresh, house.world.clock.now())
            .await
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(db.query_count() - before, 1, "the new proofs are up to date");
}

#[tokio::test]
async fn a_change_of_the_same_transaction_counts() {
    let house = House::new(Seam::Local).await;
    let seat = seat(&house, &house.alice, Permission::SendMessages).await;
    let _ = house
        .write(&[], async |tx| {
            use commons_entities::channel::permission_overwrite::{ActiveModel, Entity, Model};
            use sea_orm::EntityTrait;
            let now = house.world.clock.now();
            let row = Model {
                channel_id: house.general,
                target_kind: commons_entities::channel::OverwriteTarget::Member,
                target_id: house.alice.user.0,
                allow: 0,
                deny: Permissions::SEND_MESSAGES.to_row(),
            };
            Entity::insert(ActiveModel::from(row))
                .exec_without_returning(tx)
                .await?;
            let _ = commons_access::change::record(tx, now, &[Subject::Channel(house.general)]).await?;
            let again = revalidate(tx, &[&seat], now).await?;
            assert_eq!(again, [Err(Denied::Missing(Permission::SendMessages))]);
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn a_guilds_proof_is_computed_anew() {
    let house = House::new(Seam::Local).await;
    let bob = house.access.guild(&actor(&house.bob), house.guild).await.unwrap();
    let (kicks, member) = (
        bob.clone().require(Permission::KickMembers).unwrap(),
        bob.member(),
    );
    let recorded = house
        .write(&[Subject::Member(house.guild, house.bob.user)], async |tx| {
            use commons_entities::channel::member_role::Entity;
            use sea_orm::EntityTrait;
            let key = (house.guild, house.bob.user, house.moderators);
            Entity::delete_by_id(key).exec(tx).await.map(drop)
        })
        .await;
    let tx = house.world.platform.db.begin().await.unwrap();
    let now = house.world.clock.now();
    let again = revalidate_guild(&tx, &kicks, now).await.unwrap();
    assert_eq!(again, Err(Denied::Missing(Permission::KickMembers)));
    let again = revalidate_guild(&tx, &member, now).await.unwrap().unwrap();
    assert_eq!(
        (again.standing().top_position(), again.versions().member),
        (0, recorded.version())
    );
}

#[tokio::test]
async fn batches_are_a_constant_number_of_statements() {
    let house = House::new(Seam::Local).await;
    let (db, clock) = (&house.world.platform.db, &*house.world.clock);
    let mut channels = vec![(house.general, house.alice.user)];
    let mut guilds = vec![(house.guild, house.alice.user)];
    for i in 0..50 {
        let guild = seed::guild(db, clock, house.alice.user, Permissions::DEFAULT).await;
        guilds.push((guild, house.alice.user));
        channels.push((
            seed::channel(db, clock, guild, &format!("channel {i}")).await,
            house.alice.user,
        ));
    }
    let other = house.world.database.reconnect().await;
    let now = clock.now();
    for (some, statements) in [(1, 9), (51, 9), (0, 0)] {
        let before = other.query_count();
        let standings = channels_in(other.read(), &channels[..some], now).await.unwrap();
        assert!(standings.len() == some && standings.iter().all(Option::is_some));
        assert_eq!(other.query_count() - before, statements, "{some} channels");
    }
    for (some, statements) in [(1, 6), (51, 6), (0, 0)] {
        let before = other.query_count();
        let standings = guilds_in(other.read(), &guilds[..some], now).await.unwrap();
        assert!(standings.len() == some && standings.iter().all(Option::is_some));
        assert_eq!(other.query_count() - before, statements, "{some} guilds");
    }
}
