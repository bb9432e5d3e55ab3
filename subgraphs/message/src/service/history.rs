//! Reading: pages of history, single messages, pins, events, the people behind reactions.
//!
//! Whoever may view a channel but not read its history sees what happens from now on and no more:
//! lists are empty for them, and a position to catch up from is answered with a reset.

use super::{Cx, Gathered, MAX_PINS, MAX_POSITIONS};
use crate::{
    Error, events,
    loaders::Message,
    store::{self, Reacting, ReactingPage},
};
use commons_access::{ChannelReader, ChannelStanding};
use commons_entities::{ChannelId, MessageId, UserId, message::message};
use commons_platform::{
    ApiError,
    db::Db,
    page::{Page, PageArgs},
};
use commons_streams::{Event, log};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// A page of a channel's history.
#[derive(Debug)]
pub struct History {
    /// The messages, oldest first.
    pub page: Page<message::Model>,
    /// Where the stream stood before the page was read: subscribe after it and nothing is missed.
    pub head_seq: i64,
}

/// The actor's standing in a channel, asked for together with others; none when they may not view it.
pub async fn standing(cx: &Cx, channel: ChannelId) -> Result<Option<ChannelStanding>, Error> {
    let found = cx.load.standings.get(channel).await;
    Ok(found.unwrap_or(Ok(None))?)
}

/// The proof that the actor may read what was said before; none when they may not.
fn reader(standing: &ChannelStanding) -> Option<ChannelReader> {
    standing.reader().ok()
}

/// A page of history.
pub async fn page(cx: &Cx, standing: &ChannelStanding, args: &PageArgs) -> Result<History, Error> {
    let head_seq = head_seq(cx, standing).await?;
    let Some(reader) = reader(standing) else {
        return Ok(History {
            page: Page::empty(),
            head_seq,
        });
    };
    let rows = store::page(cx.platform.db.read(), &reader, args).await?;
    cx.spend(rows.len())?;
    Ok(History {
        page: Page::from_rows(args, rows),
        head_seq,
    })
}

/// A page of history with a message in its middle; empty when the message is not in the channel.
pub async fn around(cx: &Cx, standing: &ChannelStanding, id: MessageId, size: u64) -> Result<History, Error> {
    let head_seq = head_seq(cx, standing).await?;
    let nothing = History {
        page: Page::empty(),
        head_seq,
    };
    let Some(reader) = reader(standing) else {
        return Ok(nothing);
    };
    let middle = cx.load.messages.get(&id).await?;
    let Some(middle) = middle.filter(|row| row.0.channel_id == reader.channel()) else {
        return Ok(nothing);
    };
    let before = size / 2;
    let after = size - before;
    let (mut earlier, mut later) =
        store::around(cx.platform.db.read(), &reader, middle.0.seq, before, after).await?;
    let bound = |count: u64| usize::try_from(count).expect("a page is small");
    let (has_previous, has_next) = (earlier.len() > bound(before), later.len() > bound(after));
    earlier.truncate(bound(before));
    later.truncate(bound(after));
    earlier.reverse();
    earlier.extend(later);
    Ok(History {
        page: Page {
            items: earlier,
            has_previous,
            has_next,
        },
        head_seq,
    })
}

/// The number of the newest event of a channel, asked for together with others'.
pub async fn head_seq(cx: &Cx, standing: &ChannelStanding) -> Result<i64, Error> {
    Ok(cx.load.heads.get(standing.channel()).await.unwrap_or(Ok(0))?)
}

/// The newest message of a channel, asked for together with others'.
pub async fn last(cx: &Cx, standing: &ChannelStanding) -> Result<Option<message::Model>, Error> {
    match reader(standing) {
        Some(_) => Ok(cx.load.lasts.get(standing.channel()).await.unwrap_or(Ok(None))?),
        None => Ok(None),
    }
}

/// The pinned messages of a channel, the newest pin first.
pub async fn pinned(cx: &Cx, standing: &ChannelStanding) -> Result<Vec<message::Model>, Error> {
    match reader(standing) {
        Some(reader) => Ok(store::pinned(cx.platform.db.read(), &reader, MAX_PINS).await?),
        None => Ok(Vec::new()),
    }
}

/// A message that the actor may read; a deleted one is none.
pub async fn message(cx: &Cx, id: MessageId) -> Result<Option<Arc<Message>>, Error> {
    let Some(row) = cx.load.messages.get(&id).await? else {
        return Ok(None);
    };
    if row.0.deleted_at.is_some() {
        return Ok(None);
    }
    let standing = standing(cx, row.0.channel_id).await?;
    Ok(standing
        .filter(|standing| reader(standing).is_some())
        .map(|_| row))
}

/// What happened in channels since the given positions, in their order; none for a hidden channel.
pub async fn events(
    cx: &Cx,
    positions: &[(ChannelId, i64)],
    first: u32,
) -> Result<Vec<Option<log::Page>>, Error> {
    if positions.len() > MAX_POSITIONS {
        return Err(Error::TooManyPositions);
    }
    let ids: Vec<ChannelId> = positions.iter().map(|(channel, _)| *channel).collect();
    let standings = cx.access.channels(&cx.actor, &ids).await?;
    let asked: Vec<_> = standings
        .iter()
        .zip(positions)
        .filter(|(standing, _)| standing.is_some())
        .map(|(standing, (channel, after))| {
            // No position is one from which history could be read without the permission to.
            let may_read = standing.as_ref().and_then(reader).is_some();
            (channel.0, if may_read { *after } else { i64::MAX })
        })
        .collect();
    let mut pages = log::pages(cx.platform.db.read(), &asked, first)
        .await?
        .into_iter();
    Ok(standings
        .into_iter()
        .map(|standing| standing.and_then(|_| pages.next().flatten()))
        .collect())
}

/// The messages that events are about, each as the newest of the events left it or newer; one load.
pub async fn messages_of(
    cx: &Cx,
    events: impl Iterator<Item = &Arc<Event>>,
) -> Result<HashMap<MessageId, Arc<Message>>, Error> {
    let mut wanted = HashMap::<MessageId, i64>::new();
    for event in events.filter(|event| events::shows_message(&event.kind)) {
        let rev = wanted.entry(MessageId(event.subject)).or_insert(event.rev);
        *rev = event.rev.max(*rev);
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    Ok(cx.messages.get_many_at_least(&wanted).await?)
}

/// The people behind the emojis of one message: who, and the number of the event that added them.
pub type ReactingByEmoji = Arc<HashMap<String, Vec<(UserId, i64)>>>;

/// Those of many messages: one statement for each kind of page.
pub(super) async fn reacting_many(
    db: &Db,
    keys: Vec<(MessageId, ReactingPage)>,
) -> HashMap<(MessageId, ReactingPage), Gathered<ReactingByEmoji>> {
    let mut by_page = HashMap::<ReactingPage, Vec<MessageId>>::new();
    for (message, page) in keys {
        by_page.entry(page).or_default().push(message);
    }
    let mut answers = HashMap::new();
    for (page, messages) in by_page {
        let found = store::reacting(db.read(), &messages, page)
            .await
            .map_err(ApiError::from);
        for message in messages {
            let answer = found
                .as_ref()
                .map(|rows| Arc::new(of_message(rows, message)))
                .map_err(ApiError::clone);
            answers.insert((message, page), answer);
        }
    }
    answers
}

fn of_message(rows: &[Reacting], message: MessageId) -> HashMap<String, Vec<(UserId, i64)>> {
    let mut groups = HashMap::<String, Vec<(UserId, i64)>>::new();
    for row in rows.iter().filter(|row| row.message_id == message) {
        groups
            .entry(row.emoji.clone())
            .or_default()
            .push((row.user_id, row.seq));
    }
    groups
}

/// The people behind one emoji of a message, in the order in which they reacted.
pub async fn reacting(
    cx: &Cx,
    id: MessageId,
    emoji: &str,
    args: &PageArgs,
) -> Result<Page<(UserId, i64)>, Error> {
    let after = args
        .key::<(i64, Uuid)>("reaction")?
        .map(|(seq, user)| (seq, UserId(user)));
    let page = ReactingPage {
        first: args.size,
        after,
    };
    let found = cx.load.reacting.get((id, page)).await;
    let people = found.unwrap_or_else(|| Ok(ReactingByEmoji::default()))?;
    Ok(Page::from_rows(
        args,
        people.get(emoji).cloned().unwrap_or_default(),
    ))
}
