//! A channel's audience: it views its channel and reads its history while the channel is there, and is
//! nobody everywhere else.

use crate::house::{House, PATIENCE, Seam};
use commons_access::{Access, AccessWatch, Denied, Ended, LocalAccess, Permission, Permissions, Subject};
use commons_entities::{ChannelId, channel::guild};
use commons_platform::{ApiError, Code, auth::Actor, clock::Clock};
use futures_util::{FutureExt, StreamExt, stream};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

fn of(channel: ChannelId) -> Actor {
    Actor::Audience { stream: channel.0 }
}

async fn watch(house: &House) -> AccessWatch {
    house
        .access
        .guard_channel(&of(house.general), house.general)
        .await
        .unwrap()
}

async fn ended(watch: &mut AccessWatch) -> Ended {
    tokio::time::timeout(PATIENCE, watch.ended()).await.unwrap()
}

/// Why the audience of a channel is not let in.
async fn refused(house: &House, audience: &Actor, id: ChannelId) -> [Code; 2] {
    let viewing = house.access.view_channel(audience, id).await;
    let watching = house.access.guard_channel(audience, id).await;
    [viewing.unwrap_err().code(), watching.unwrap_err().code()]
}

#[tokio::test]
async fn an_audience_views_its_channel_alone_and_proves_nothing() {
    let house = House::new(Seam::Local).await;
    let unknown = ChannelId(Uuid::from_u128(7));
    let audience = of(house.general);
    let asked = [house.general, house.hidden, unknown, house.general];
    let seen = house.access.channels(&audience, &asked).await.unwrap();
    let own = house.access.view_channel(&audience, house.general).await.unwrap();
    let expected = [Some(own.clone()), None, None, Some(own.clone())];
    assert_eq!(seen, expected);

    assert_eq!((own.user(), own.guild()), (None, house.guild));
    let reads = Permissions::VIEW_CHANNEL | Permissions::READ_HISTORY;
    assert_eq!(own.permissions(), reads);
    assert_eq!(own.reader().unwrap().channel(), house.general);
    for permission in Permission::ALL {
        let denied = own.clone().require(*permission).unwrap_err();
        assert_eq!(denied, Denied::Missing(*permission));
    }
    // Whoever is its audience was let in by each member's own right: roles and overwrites say nothing.
    let hidden = of(house.hidden);
    let standing = house.access.view_channel(&hidden, house.hidden).await.unwrap();
    assert_eq!(standing.permissions(), reads);
}

#[tokio::test]
async fn an_audience_is_nobody_where_something_is_done_and_in_guilds() {
    let house = House::new(Seam::Local).await;
    let audience = of(house.general);
    let access = &house.access;
    let acting = access.channel(&audience, house.general).await.unwrap_err();
    let in_guild = access.guild(&audience, house.guild).await.unwrap_err();
    let following = access.guard_guild(&audience, house.guild).await.unwrap_err();
    for error in [acting, in_guild, following] {
        assert_eq!(error.code(), Code::Unauthenticated);
    }
    assert_eq!(access.guilds(&audience, &[house.guild]).await.unwrap(), [None]);
    let listed = access.visible_channels(&audience, house.guild).await.unwrap();
    assert!(listed.is_empty());

    let not_found = [Code::NotFound; 2];
    let unknown = ChannelId(Uuid::from_u128(7));
    assert_eq!(refused(&house, &audience, house.hidden).await, not_found);
    assert_eq!(refused(&house, &audience, unknown).await, not_found);
    assert_eq!(refused(&house, &of(unknown), unknown).await, not_found);
    // A guild has a stream too, and a user an id: neither is a channel.
    for other in [house.guild.0, house.alice.user.0] {
        let other = ChannelId(other);
        assert_eq!(refused(&house, &of(other), other).await, not_found);
    }
    let unauthenticated = [Code::Unauthenticated; 2];
    assert_eq!(
        refused(&house, &Actor::Anonymous, house.general).await,
        unauthenticated
    );
}

#[tokio::test]
async fn an_audience_ends_with_its_channel_and_with_nobody_s_right() {
    let house = House::new(Seam::Local).await;
    let mut watch = watch(&house).await;
    let mut items = Box::pin(self::watch(&house).await.guard(stream::repeat(1)));
    house
        .announce(house.set_everyone(Permissions::empty()).await)
        .await;
    house
        .announce(house.deny_in_general(Permissions::VIEW_CHANNEL).await)
        .await;
    house.announce(house.kick(house.alice.user).await).await;
    let session = Subject::Session(house.bob.session);
    house
        .announce(house.write(&[session], async |_| Ok(())).await)
        .await;
    for _ in 0..3 {
        assert!(watch.ended().now_or_never().is_none());
    }
    assert_eq!(items.next().await.unwrap().unwrap(), 1);

    house.announce(house.delete_general().await).await;
    assert!(matches!(ended(&mut watch).await, Ended::Hidden));
    assert!(matches!(ended(&mut watch).await, Ended::Hidden), "it stays ended");
    assert_eq!(items.next().await.unwrap().unwrap_err().code(), Code::NotFound);
    assert!(items.next().await.is_none());
    let audience = of(house.general);
    assert_eq!(
        refused(&house, &audience, house.general).await,
        [Code::NotFound; 2]
    );
}

#[tokio::test]
async fn an_audience_ends_with_the_guild() {
    let house = House::new(Seam::Local).await;
    let mut watch = watch(&house).await;
    let now = house.world.clock.now();
    // Nobody announces it: the log does.
    let _ = house
        .write(&[Subject::Guild(house.guild)], async |tx| {
            guild::Entity::update_many()
                .col_expr(guild::Column::DeletedAt, Expr::value(now))
                .filter(guild::Column::Id.eq(house.guild))
                .exec(tx)
                .await
                .map(drop)
        })
        .await;
    let why = ended(&mut watch).await;
    assert_eq!(ApiError::from(why).code(), Code::NotFound);
    let audience = of(house.general);
    assert_eq!(
        refused(&house, &audience, house.general).await,
        [Code::NotFound; 2]
    );
}

#[tokio::test]
async fn what_an_audience_is_given_is_held_back_while_changes_are_not_heard() {
    let house = House::new(Seam::Local).await;
    let platform = house.platform_elsewhere().await;
    let deaf: Arc<dyn Access> = LocalAccess::start(&platform).await.unwrap();
    let watch = deaf
        .guard_channel(&of(house.general), house.general)
        .await
        .unwrap();
    let mut items = Box::pin(watch.guard(stream::repeat(1)));
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    platform.db.clone().close().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(1001)).await;
    assert!(items.next().now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(items.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(items.next().await.is_none());
}

/// Nothing of an audience goes over gRPC: where there is no database, it sees nothing.
#[tokio::test]
async fn without_a_database_there_is_no_audience() {
    let house = House::new(Seam::Remote).await;
    let audience = of(house.general);
    let seen = house.access.channels(&audience, &[house.general]).await.unwrap();
    assert_eq!(seen, [None]);
    assert_eq!(
        refused(&house, &audience, house.general).await,
        [Code::NotFound; 2]
    );
}
