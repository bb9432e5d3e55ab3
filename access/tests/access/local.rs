//! What [`LocalAccess`] answers, and that it never answers from before a change.

use crate::house::{House, Seam, actor, on_both_seams};
use chrono::TimeDelta;
use commons_access::{ChannelStanding, Denied, Permission, Permissions, Subject, compute::Target};
use commons_entities::{ChannelId, GuildId, channel::guild_member};
use commons_platform::{ApiError, Code, auth::Actor, clock::Clock};
use commons_testing::seed;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

on_both_seams! {
    members_have_what_their_roles_give
    hidden_and_unknown_are_one
    an_anonymous_actor_sees_nothing
    only_what_is_seen_is_forbidden
    visible_channels_come_in_the_order_of_the_list
    ranks_limit_who_acts_on_whom
    a_time_out_ends_as_time_passes
    nothing_is_answered_from_before_an_announced_change
    who_was_no_member_is_one_after_joining
    an_overwrite_shows_a_channel_to_one
}

async fn members_have_what_their_roles_give(seam: Seam) {
    let house = House::new(seam).await;
    assert_eq!(house.permissions(&house.owner).await, Some(Permissions::all()));
    assert_eq!(house.permissions(&house.alice).await, Some(Permissions::DEFAULT));
    let moderator = Permissions::DEFAULT | Permissions::KICK_MEMBERS | Permissions::MANAGE_ROLES;
    assert_eq!(house.permissions(&house.bob).await, Some(moderator));
    assert_eq!(house.permissions(&house.stranger).await, None);
    let guild = house.access.guild(&actor(&house.bob), house.guild).await.unwrap();
    assert_eq!(
        (guild.roles(), guild.top_position(), guild.is_owner()),
        (&[house.moderators][..], 1, false)
    );
    let facts = *house.channel(&house.alice, house.general).await.unwrap().facts();
    assert_eq!(
        (facts.channel, facts.guild, facts.archived_at),
        (house.general, house.guild, None)
    );
}

async fn hidden_and_unknown_are_one(seam: Seam) {
    let house = House::new(seam).await;
    let unknown = ChannelId(Uuid::from_u128(7));
    let told = |error: ApiError| (error.code(), error.reason(), error.to_string());
    let missing = told(house.channel(&house.alice, unknown).await.unwrap_err());
    assert_eq!(missing.0, Code::NotFound);
    for (who, id) in [
        (&house.alice, house.hidden),
        (&house.stranger, house.general),
        (&house.stranger, unknown),
    ] {
        assert_eq!(told(house.channel(who, id).await.unwrap_err()), missing);
    }
    let guild = house
        .access
        .guild(&actor(&house.stranger), house.guild)
        .await
        .unwrap_err();
    let no_guild = house
        .access
        .guild(&actor(&house.stranger), GuildId(Uuid::from_u128(7)))
        .await
        .unwrap_err();
    assert_eq!(told(guild), missing);
    assert_eq!(told(no_guild), missing);
    let all = [house.general, house.hidden, unknown, house.general];
    let seen = house.access.channels(&actor(&house.alice), &all).await.unwrap();
    assert_eq!(
        seen.iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, false, false, true]
    );
}

async fn an_anonymous_actor_sees_nothing(seam: Seam) {
    let house = House::new(seam).await;
    let anonymous = Actor::Anonymous;
    assert_eq!(
        house.access.channels(&anonymous, &[house.general]).await.unwrap(),
        [None]
    );
    assert_eq!(
        house.access.guilds(&anonymous, &[house.guild]).await.unwrap(),
        [None]
    );
    assert!(
        house
            .access
            .visible_channels(&anonymous, house.guild)
            .await
            .unwrap()
            .is_empty()
    );
    let refused = [
        house.access.channel(&anonymous, house.general).await.unwrap_err(),
        house.access.guild(&anonymous, house.guild).await.unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.code() == Code::Unauthenticated));
}

async fn only_what_is_seen_is_forbidden(seam: Seam) {
    let house = House::new(seam).await;
    let standing = house.channel(&house.alice, house.general).await.unwrap();
    let error = ApiError::from(standing.clone().require(Permission::ManageMessages).unwrap_err());
    assert_eq!(
        (error.code(), error.reason()),
        (Code::Forbidden, Some("MISSING_PERMISSION"))
    );
    assert!(error.to_string().contains("MANAGE_MESSAGES"));
    let seat = standing.require(Permission::SendMessages).unwrap();
    assert_eq!((seat.channel(), seat.user()), (house.general, house.alice.user));
    assert_eq!(
        (seat.required(), seat.permissions()),
        (Permission::SendMessages, Permissions::DEFAULT)
    );
}

async fn visible_channels_come_in_the_order_of_the_list(seam: Seam) {
    let house = House::new(seam).await;
    let (db, clock) = (&house.world.platform.db, &*house.world.clock);
    let last = seed::channel(db, clock, house.guild, "last").await;
    let ids = |standings: Vec<ChannelStanding>| -> Vec<_> {
        standings.iter().map(ChannelStanding::channel).collect()
    };
    let of_alice = house
        .access
        .visible_channels(&actor(&house.alice), house.guild)
        .await
        .unwrap();
    assert_eq!(ids(of_alice), [house.general, last]);
    let of_owner = house
        .access
        .visible_channels(&actor(&house.owner), house.guild)
        .await
        .unwrap();
    assert_eq!(ids(of_owner), [house.general, house.hidden, last]);
    assert!(
        house
            .access
            .visible_channels(&actor(&house.stranger), house.guild)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn ranks_limit_who_acts_on_whom(seam: Seam) {
    let house = House::new(seam).await;
    let keys = [&house.owner, &house.bob, &house.alice].map(|who| (house.guild, who.user));
    let standings = house.access.guilds_of(&keys).await.unwrap();
    let [owner, bob, alice] = [0, 1, 2].map(|i| standings[i].clone().unwrap());
    for (by, on, allowed) in [
        (&owner, &bob, true),
        (&owner, &owner, false),
        (&bob, &alice, true),
        (&bob, &owner, false),
        (&bob, &bob, false),
        (&alice, &bob, false),
        (&alice, &alice, false),
    ] {
        assert_eq!(
            by.outranks_member(on).is_ok(),
            allowed,
            "{:?} on {:?}",
            by.user(),
            on.user()
        );
    }
    assert_eq!(bob.outranks_role(0), Ok(()));
    assert_eq!(bob.outranks_role(1), Err(Denied::Outranked));
    assert_eq!(owner.outranks_role(i32::MAX), Ok(()));
    assert_eq!(
        bob.may_grant(Permissions::KICK_MEMBERS | Permissions::SEND_MESSAGES),
        Ok(())
    );
    let more = Permissions::KICK_MEMBERS | Permissions::BAN_MEMBERS;
    assert_eq!(
        bob.may_grant(more),
        Err(Denied::CannotGrant(Permissions::BAN_MEMBERS))
    );
    assert_eq!(owner.may_grant(Permissions::all()), Ok(()));
    assert_eq!((owner.can_be_timed_out(), bob.can_be_timed_out()), (false, true));
    assert!(alice.require(Permission::KickMembers).is_err());
    assert_eq!(
        bob.require(Permission::KickMembers).unwrap().required(),
        Some(Permission::KickMembers)
    );
}

async fn a_time_out_ends_as_time_passes(seam: Seam) {
    let house = House::new(seam).await;
    let until = house.world.clock.now() + TimeDelta::minutes(1);
    let recorded = house
        .write(&[Subject::Member(house.guild, house.alice.user)], async |tx| {
            guild_member::Entity::update_many()
                .col_expr(guild_member::Column::TimedOutUntil, Expr::value(until))
                .filter(guild_member::Column::UserId.eq(house.alice.user))
                .exec(tx)
                .await
                .map(drop)
        })
        .await;
    house.announce(recorded).await;
    assert_eq!(
        house.permissions(&house.alice).await,
        Some(Permissions::TIMED_OUT)
    );
    house.world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(house.permissions(&house.alice).await, Some(Permissions::DEFAULT));
}

async fn nothing_is_answered_from_before_an_announced_change(seam: Seam) {
    let house = House::new(seam).await;
    assert_eq!(house.permissions(&house.alice).await, Some(Permissions::DEFAULT));

    let less = Permissions::VIEW_CHANNEL | Permissions::ADD_REACTIONS;
    house.announce(house.set_everyone(less).await).await;
    assert_eq!(house.permissions(&house.alice).await, Some(less));

    house
        .announce(house.deny_in_general(Permissions::ADD_REACTIONS).await)
        .await;
    assert_eq!(
        house.permissions(&house.alice).await,
        Some(Permissions::VIEW_CHANNEL)
    );

    house.announce(house.transfer(house.alice.user).await).await;
    assert_eq!(house.permissions(&house.alice).await, Some(Permissions::all()));
    assert_eq!(
        house.permissions(&house.owner).await,
        Some(Permissions::VIEW_CHANNEL)
    );

    house.announce(house.kick(house.bob.user).await).await;
    assert_eq!(house.permissions(&house.bob).await, None);

    house.announce(house.delete_general().await).await;
    assert_eq!(house.permissions(&house.alice).await, None);
}

async fn who_was_no_member_is_one_after_joining(seam: Seam) {
    let house = House::new(seam).await;
    assert_eq!(house.permissions(&house.stranger).await, None);
    seed::member(
        &house.world.platform.db,
        &*house.world.clock,
        house.guild,
        house.stranger.user,
    )
    .await;
    let joined = house
        .write(&[Subject::Member(house.guild, house.stranger.user)], async |_| {
            Ok(())
        })
        .await;
    house.announce(joined).await;
    assert_eq!(
        house.permissions(&house.stranger).await,
        Some(Permissions::DEFAULT)
    );
}

async fn an_overwrite_shows_a_channel_to_one(seam: Seam) {
    let house = House::new(seam).await;
    let (one, view) = (Target::Member(house.alice.user), Permissions::VIEW_CHANNEL);
    seed::overwrite(
        &house.world.platform.db,
        house.hidden,
        one,
        view,
        Permissions::empty(),
    )
    .await;
    assert!(house.channel(&house.alice, house.hidden).await.is_ok());
    assert!(house.channel(&house.bob, house.hidden).await.is_err());
}

/// The reader of the log counts in too, now and then: the least of some attempts is what counts.
#[tokio::test]
async fn what_is_kept_asks_the_database_nothing() {
    let house = House::new(Seam::Local).await;
    let db = &house.world.platform.db;
    let mut least = u64::MAX;
    for _ in 0..10 {
        house.permissions(&house.alice).await;
        let before = db.query_count();
        house.permissions(&house.alice).await;
        least = least.min(db.query_count() - before);
    }
    assert_eq!(least, 0);
}
