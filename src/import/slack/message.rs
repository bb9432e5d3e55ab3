//! Slack's messages, of old and new exports, as records.

use super::{
    directory::Profile,
    record::{Author, BadRecord, FileLink, Kind, Reaction, Record, micros, text_or_number, time},
    rich,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

/// Reads a day's file; the records come in the order of their time.
pub(super) fn read_day(file: &str, bytes: &[u8]) -> (Vec<Record>, Vec<BadRecord>) {
    let bad = |index, why: String| BadRecord {
        file: file.to_owned(),
        index,
        why,
    };
    let values: Vec<Value> = match serde_json::from_slice(bytes) {
        Ok(values) => values,
        Err(error) => return (Vec::new(), vec![bad(None, format!("not a JSON array: {error}"))]),
    };
    let mut records = Vec::with_capacity(values.len());
    let mut refused = Vec::new();
    let mut seen = HashSet::new();
    for (index, value) in values.into_iter().enumerate() {
        match read(index, value) {
            Ok((order, record)) if seen.insert(order) => records.push((order, record)),
            Ok((_, record)) => refused.push(bad(
                Some(index),
                format!("{} is in this file before", record.external_id),
            )),
            Err(why) => refused.push(bad(Some(index), why)),
        }
    }
    records.sort_by_key(|(order, _)| *order);
    (records.into_iter().map(|(_, record)| record).collect(), refused)
}

/// A message as Slack writes it, as far as it is read.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(deserialize_with = "text_or_number")]
    ts: Option<String>,
    #[serde(default)]
    thread_ts: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    user_profile: Option<Profile>,
    #[serde(default)]
    bot_id: Option<String>,
    #[serde(default)]
    bot_profile: Option<Profile>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    inviter: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    edited: Option<Edited>,
    #[serde(default)]
    reactions: Option<Vec<RawReaction>>,
    #[serde(default)]
    file: Option<File>,
    #[serde(default)]
    files: Option<Vec<File>>,
    #[serde(default)]
    comment: Option<Comment>,
    #[serde(default)]
    attachments: Option<Vec<Value>>,
    #[serde(default)]
    blocks: Option<Vec<Value>>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Edited {
    ts: String,
}

#[derive(Deserialize)]
struct RawReaction {
    name: String,
    #[serde(default)]
    users: Vec<String>,
}

#[derive(Deserialize)]
struct Comment {
    user: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    permalink: Option<String>,
    #[serde(default)]
    url_private: Option<String>,
}

/// A record and its place in the order, or why it is none.
fn read(index: usize, value: Value) -> Result<(i64, Record), String> {
    let mut message: Message = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if let Some(kind) = message.kind.as_deref().filter(|kind| *kind != "message") {
        return Err(format!("a {kind:?}, not a message"));
    }
    let ts = message.ts.take().ok_or("it has no ts")?;
    let order = micros(&ts).ok_or_else(|| format!("its ts {ts:?} is no time"))?;
    let at = time(order).ok_or_else(|| format!("its ts {ts:?} is no time"))?;
    let author = author(&mut message).ok_or("it has no author")?;
    let reply_to = message.thread_ts.take().filter(|thread| *thread != ts);
    if let Some(thread) = reply_to.as_deref().filter(|thread| micros(thread).is_none()) {
        return Err(format!("its thread_ts {thread:?} is no time"));
    }
    let edited_at = message.edited.take().and_then(|edited| time(micros(&edited.ts)?));
    let reactions = message
        .reactions
        .take()
        .into_iter()
        .flatten()
        .map(reaction)
        .collect();
    let previews = message
        .attachments
        .iter()
        .flatten()
        .filter_map(rich::preview)
        .collect();
    let (kind, content, files) = words(message, &author);
    let record = Record {
        index,
        external_id: ts,
        at,
        author,
        kind,
        content,
        reply_to,
        edited_at,
        reactions,
        files,
        previews,
    };
    if record.kind == Kind::Message && record.body().is_none() {
        return Err("it holds nothing to read".to_owned());
    }
    Ok((order, record))
}

fn author(message: &mut Message) -> Option<Author> {
    let given = |text: &String| !text.trim().is_empty();
    let comment = message.comment.take().and_then(|comment| comment.user);
    let bot = message.bot_id.take().filter(given);
    let user = message.user.take().or(comment).filter(given);
    let by_bot = message.subtype.as_deref() == Some("bot_message");
    if let Some(id) = user.filter(|_| !by_bot || bot.is_none()) {
        return Some(Author::User {
            id,
            name: message.user_profile.take().and_then(Profile::shown),
        });
    }
    let called = message.username.take().filter(given);
    let name = called
        .or(message.bot_profile.take().and_then(Profile::shown))
        .or_else(|| bot.clone())?;
    Some(Author::Bot { id: bot, name })
}

/// What kind it is, what was written, what was attached.
fn words(message: Message, author: &Author) -> (Kind, Option<String>, Vec<FileLink>) {
    let text = message.text.unwrap_or_default();
    let subtype = message.subtype.unwrap_or_default();
    // A group is a private channel; its events are called after it.
    let event = subtype
        .strip_prefix("channel_")
        .or_else(|| subtype.strip_prefix("group_"));
    let invited = message
        .inviter
        .map(|inviter| format!("by invitation from <@{inviter}>"));
    let none = Vec::new();
    match event {
        Some("join") => return (Kind::Joined, invited, none),
        Some("leave") => return (Kind::Left, None, none),
        Some("archive") => return (Kind::Archived, None, none),
        Some("topic") => return (Kind::TopicChanged(message.topic.unwrap_or_default()), None, none),
        Some("purpose") => {
            return (
                Kind::PurposeChanged(message.purpose.unwrap_or_default()),
                None,
                none,
            );
        }
        Some("name") if message.name.is_some() => {
            return (Kind::NameChanged(message.name.unwrap_or_default()), None, none);
        }
        _ => {}
    }
    let files: Vec<FileLink> = message
        .file
        .into_iter()
        .chain(message.files.into_iter().flatten())
        .map(link)
        .collect();
    match subtype.as_str() {
        "bot_add" => (
            Kind::IntegrationAdded(without_author(&text, author).to_owned()),
            None,
            files,
        ),
        "pinned_item" => (Kind::Pinned, None, files),
        "file_share" | "file_mention" => upload(text, files, author),
        "file_comment" => {
            // The text links to the file already.
            (
                Kind::Message,
                Some(owner_named(without_author(&text, author))),
                none,
            )
        }
        "me_message" => (Kind::Message, Some(format!("_{text}_")), files),
        "" | "bot_message" | "thread_broadcast" | "slackbot_response" | "tombstone" => {
            let text = if text.trim().is_empty() {
                rich::blocks(message.blocks.as_deref())
            } else {
                text
            };
            (Kind::Message, (!text.trim().is_empty()).then_some(text), files)
        }
        // Whatever else happened, its text tells.
        _ => {
            let text = without_author(&text, author).to_owned();
            (Kind::Message, (!text.trim().is_empty()).then_some(text), files)
        }
    }
}

/// Old exports write an upload as a sentence around the file's link: what the author said is after it.
fn upload(text: String, mut files: Vec<FileLink>, author: &Author) -> (Kind, Option<String>, Vec<FileLink>) {
    let sentence = without_author(&text, author);
    let parts = || {
        let rest = sentence
            .strip_prefix("uploaded a")
            .or_else(|| sentence.strip_prefix("shared a"))?;
        let (what, rest) = rest.split_once(": <")?;
        let (link, rest) = rest.split_once('>')?;
        let comment = if rest.trim().is_empty() {
            ""
        } else {
            rest.strip_prefix(" and commented: ")?
        };
        (!what.contains(['<', '\n'])).then_some((link, comment))
    };
    if sentence.len() == text.len() {
        return (Kind::Message, (!text.trim().is_empty()).then_some(text), files);
    }
    let Some((link, comment)) = parts() else {
        return (Kind::Message, Some(sentence.to_owned()), files);
    };
    let (url, title) = link.split_once('|').unwrap_or((link, link));
    match files.first_mut() {
        Some(file) => file.url = file.url.take().or_else(|| Some(url.to_owned())),
        None => files.push(FileLink {
            title: title.to_owned(),
            url: Some(url.to_owned()),
        }),
    }
    (
        Kind::Message,
        (!comment.trim().is_empty()).then(|| comment.to_owned()),
        files,
    )
}

/// A sentence about its author without the mention of the author at its start.
fn without_author<'a>(text: &'a str, author: &Author) -> &'a str {
    let Author::User { id, .. } = author else {
        return text;
    };
    let rest = text
        .strip_prefix("<@")
        .and_then(|rest| rest.strip_prefix(id.as_str()));
    let rest = rest
        .filter(|rest| rest.starts_with(['>', '|']))
        .and_then(|rest| rest.split_once('>'));
    rest.map_or(text, |(_, rest)| rest.trim_start())
}

/// "commented on U1's file" names the owner by a bare id.
fn owner_named(sentence: &str) -> String {
    let owner = sentence
        .strip_prefix("commented on ")
        .and_then(|rest| rest.split_once("'s file"));
    let is_id = |id: &str| {
        id.starts_with(['U', 'W'])
            && id.len() > 6
            && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    match owner {
        Some((id, rest)) if is_id(id) => format!("commented on <@{id}>'s file{rest}"),
        _ => sentence.to_owned(),
    }
}

fn reaction(raw: RawReaction) -> Reaction {
    let mut seen = HashSet::new();
    let user_ids = raw
        .users
        .into_iter()
        .filter(|user| seen.insert(user.clone()))
        .collect();
    Reaction {
        emoji: raw.name,
        user_ids,
    }
}

fn link(file: File) -> FileLink {
    let given = |text: &String| !text.trim().is_empty();
    let title = file.title.filter(given).or(file.name.filter(given));
    let title = match (title, file.mode.as_deref(), file.id) {
        (Some(title), ..) => title,
        (None, Some("tombstone"), _) => "a file that was deleted".to_owned(),
        (None, _, Some(id)) => format!("file {id}"),
        (None, _, None) => "a file".to_owned(),
    };
    let url = file
        .permalink
        .filter(given)
        .or(file.url_private.filter(given).map(|url| without_token(&url)));
    FileLink { title, url }
}

/// Exports add a token to the address that lets anybody load the file: nobody here needs to.
fn without_token(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.starts_with("t=xox"))
        .collect();
    if kept.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", kept.join("&"))
    }
}
