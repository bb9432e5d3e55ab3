//! Messages of old and new exports, good and bad.

use super::*;

/// An export with one day of these messages in `talks`.
fn export_of(messages: Value) -> (Vec<Record>, Vec<BadRecord>) {
    let file = zipped(&[
        ("users.json", bytes(users())),
        ("channels.json", bytes(channels())),
        ("talks/2015-06-06.json", bytes(messages)),
    ]);
    let export = Export::open(file.path()).unwrap();
    export.day(&export.days(&export.channels()[0])[0]).unwrap()
}

#[track_caller]
fn one(message: Value) -> Record {
    let (mut records, bad) = export_of(json!([message]));
    assert_eq!(bad, []);
    records.remove(0)
}

fn ada() -> Author {
    Author::User {
        id: "U1ADAADA".into(),
        name: None,
    }
}

#[test]
fn records_come_in_the_order_of_their_time() {
    let (records, bad) = export_of(json!([
        { "type": "message", "user": "U1ADAADA", "text": "third", "ts": "1433558320.000001" },
        { "type": "message", "user": "U1ADAADA", "text": "second", "ts": "1433558319.123456" },
        { "type": "message", "user": "U1ADAADA", "text": "first", "ts": "999999999.000000" },
    ]));
    assert_eq!(bad, []);
    let contents: Vec<_> = records
        .iter()
        .map(|record| record.content.as_deref().unwrap())
        .collect();
    assert_eq!(contents, ["first", "second", "third"]);
    assert_eq!(records[1].external_id, "1433558319.123456");
    assert_eq!(records[1].at.to_rfc3339(), "2015-06-06T02:38:39.123+00:00");
}

#[test]
fn bad_records_are_listed_and_the_others_read() {
    let (records, bad) = export_of(json!([
        { "type": "message", "user": "U1ADAADA", "text": "good", "ts": "1433558319.000002" },
        "no object",
        { "type": "message", "user": "U1ADAADA", "text": "no ts" },
        { "type": "message", "user": "U1ADAADA", "text": "x", "ts": "yesterday" },
        { "type": "message", "user": "U1ADAADA", "text": "x", "ts": "99999999999999999999.0" },
        { "type": "message", "user": "U1ADAADA", "text": "x", "ts": "-5.0" },
        { "type": "message", "text": "nobody's", "ts": "1433558319.000003" },
        { "type": "message", "user": "U1ADAADA", "text": " ", "ts": "1433558319.000004" },
        { "type": "message", "user": "U1ADAADA", "text": "again", "ts": "1433558319.000002" },
        { "type": "presence", "user": "U1ADAADA", "text": "x", "ts": "1433558319.000005" },
        { "type": "message", "user": 7, "text": "x", "ts": "1433558319.000006" },
        { "type": "message", "user": "U1ADAADA", "text": "x", "ts": "1433558319.000007", "thread_ts": "t" },
        { "type": "message", "user": "U9GONE99", "text": "good too", "ts": "1433558319.000008" },
    ]));
    assert_eq!(records.len(), 2);
    let indexes: Vec<_> = bad.iter().map(|bad| bad.index.unwrap()).collect();
    assert_eq!(indexes, (1..=11).collect::<Vec<_>>());
    assert!(
        bad.iter()
            .all(|bad| bad.file == "talks/2015-06-06.json" && !bad.why.is_empty())
    );
    assert_eq!(bad[5].why, "it has no author");
    assert_eq!(bad[6].why, "it holds nothing to read");

    let (records, bad) = export_of(json!({ "not": "an array" }));
    assert_eq!((records.len(), bad.len(), bad[0].index), (0, 1, None));
}

#[test]
fn events_have_their_kind() {
    for (message, kind, content) in [
        (
            json!({ "subtype": "channel_join", "text": "<@U1ADAADA> has joined" }),
            Kind::Joined,
            None,
        ),
        (
            json!({ "subtype": "group_join", "inviter": "U2BENBEN" }),
            Kind::Joined,
            Some("by invitation from <@U2BENBEN>"),
        ),
        (
            json!({ "subtype": "channel_leave", "text": "<@U1ADAADA> has left" }),
            Kind::Left,
            None,
        ),
        (
            json!({ "subtype": "channel_topic", "topic": "a &amp; b" }),
            Kind::TopicChanged("a &amp; b".into()),
            None,
        ),
        (
            json!({ "subtype": "channel_topic", "topic": "" }),
            Kind::TopicChanged(String::new()),
            None,
        ),
        (
            json!({ "subtype": "channel_purpose", "purpose": "p" }),
            Kind::PurposeChanged("p".into()),
            None,
        ),
        (
            json!({ "subtype": "channel_name", "old_name": "tuts", "name": "tutorials" }),
            Kind::NameChanged("tutorials".into()),
            None,
        ),
        (
            json!({ "subtype": "channel_archive", "members": [], "text": "<@U1ADAADA> archived" }),
            Kind::Archived,
            None,
        ),
        (
            json!({ "subtype": "bot_add", "bot_id": "B1", "text": "added an integration: <https://s.example/…|github>" }),
            Kind::IntegrationAdded("added an integration: <https://s.example/…|github>".into()),
            None,
        ),
        (
            json!({ "subtype": "channel_unarchive", "text": "<@U1ADAADA> un-archived the channel" }),
            Kind::Message,
            Some("un-archived the channel"),
        ),
        (
            json!({ "subtype": "me_message", "text": "waves" }),
            Kind::Message,
            Some("_waves_"),
        ),
    ] {
        let mut message = message;
        message["type"] = json!("message");
        message["user"] = json!("U1ADAADA");
        message["ts"] = json!("1433558319.000002");
        let record = one(message);
        assert_eq!(
            (record.author, record.kind, record.content.as_deref()),
            (ada(), kind, content)
        );
    }
    let pinned = one(
        json!({ "type": "message", "subtype": "pinned_item", "user": "U1ADAADA", "ts": "1444755463.000006",
        "text": "<@U1ADAADA> pinned a message to this channel.",
        "attachments": [{ "fallback": "[October 13th] ada: New event", "text": "New event <http://m.example/…>" }] }),
    );
    assert_eq!(pinned.kind, Kind::Pinned);
    assert_eq!(
        pinned.body().as_deref(),
        Some("&gt; New event <http://m.example/…>")
    );
}

#[test]
fn old_uploads_and_comments_keep_words_and_links() {
    let upload = |text: &str| {
        one(
            json!({ "type": "message", "subtype": "file_share", "user": "U1ADAADA", "upload": true, "bot_id": null,
            "username": "<@U1ADAADA>", "text": text, "ts": "1434772080.000006",
            "file": { "id": "F1", "name": "-.r", "title": "Untitled", "size": 78 } }),
        )
    };
    let link = FileLink {
        title: "Untitled".into(),
        url: Some("https://s.example/…".into()),
    };
    let bare = upload("<@U1ADAADA> uploaded a file: <https://s.example/…|Untitled>");
    assert_eq!((bare.content.as_deref(), bare.files), (None, vec![link.clone()]));
    let commented = upload(
        "<@U1ADAADA> uploaded a file: <https://s.example/…|Untitled> and commented: Thanks!\n<http://x.example>",
    );
    assert_eq!(
        (commented.author.clone(), commented.files.clone()),
        (ada(), vec![link])
    );
    assert_eq!(
        commented.body().as_deref(),
        Some("Thanks!\n<http://x.example>\n<https://s.example/…|Untitled>")
    );
    let other = upload("<@U1ADAADA> shared a file: <https://s.example/…|Untitled> somewhere else");
    assert_eq!(
        other.content.as_deref(),
        Some("shared a file: <https://s.example/…|Untitled> somewhere else")
    );

    let comment = one(
        json!({ "type": "message", "subtype": "file_comment", "ts": "1434772752.000007",
        "text": "<@U1ADAADA> commented on U2BENBEN's file <https://s.example/…|map.png>: fantastic ",
        "comment": { "id": "Fc1", "user": "U1ADAADA", "comment": "fantastic " }, "file": { "id": "F2", "title": "map.png" } }),
    );
    assert_eq!(comment.author, ada());
    let text = "commented on <@U2BENBEN>'s file <https://s.example/…|map.png>: fantastic ";
    assert_eq!(comment.body().as_deref(), Some(text));
}

#[test]
fn edits_reactions_and_previews_are_kept() {
    let record = one(
        json!({ "type": "message", "user": "U1ADAADA", "text": "see <http://x.example/>", "ts": "1442273764.000007",
        "edited": { "user": "U1ADAADA", "ts": "1442273779.500000" },
        "reactions": [{ "name": "clap::skin-tone-3", "users": ["U2BENBEN", "U1ADAADA", "U2BENBEN"], "count": 2 },
                      { "name": "+1", "users": ["U1ADAADA"], "count": 1 }],
        "attachments": [{ "service_name": "X", "title": "A <b> title", "text": "one\n\ntwo", "fallback": "X: title",
                          "from_url": "http://x.example/" }, { "fallback": "only this" }, {}] }),
    );
    assert_eq!(
        record.edited_at.unwrap().to_rfc3339(),
        "2015-09-14T23:36:19.500+00:00"
    );
    let clap = Reaction {
        emoji: "clap::skin-tone-3".into(),
        user_ids: vec!["U2BENBEN".into(), "U1ADAADA".into()],
    };
    assert_eq!((record.reactions.len(), &record.reactions[0]), (2, &clap));
    assert_eq!(
        record.previews,
        [
            "&gt; X\n&gt; *<http://x.example/|A &lt;b&gt; title>*\n&gt; one\n&gt; two",
            "&gt; only this",
        ]
    );
    assert_eq!(
        record.body().unwrap().lines().next(),
        Some("see <http://x.example/>")
    );
}

#[test]
fn a_page_that_was_folded_stays_folded() {
    let page = |extra: Value| {
        let mut attachment = json!({ "text": format!("{}<http://y.example/|y>", "word ".repeat(139)) });
        attachment
            .as_object_mut()
            .unwrap()
            .append(&mut extra.as_object().unwrap().clone());
        one(json!({ "type": "message", "user": "U1ADAADA", "text": "x", "ts": "1442273764.000007", "attachments": [attachment] }))
            .previews
            .remove(0)
    };
    let folded = page(json!({ "from_url": "http://x.example/" }));
    assert!(folded.ends_with("word word…") && folded.len() < 720, "{folded}");
    assert!(page(json!({})).ends_with("<http://y.example/|y>"));
}

#[test]
fn newer_exports_have_threads_files_and_bots() {
    let reply = one(
        json!({ "type": "message", "user": "U8GUEST8", "client_msg_id": "0-1", "text": "yes", "ts": "1600000001.000200",
        "thread_ts": "1600000000.000100", "parent_user_id": "U1ADAADA",
        "user_profile": { "name": "grace", "display_name": "Grace", "real_name": "Grace H." },
        "files": [
            { "id": "F1", "title": "plan.pdf", "permalink": "https://s.example/files/F1", "url_private": "https://s.example/p?t=xoxe-1" },
            { "id": "F2", "name": "b.txt", "url_private": "https://s.example/b.txt?v=1&t=xoxe-123" },
            { "id": "F3", "mode": "tombstone" },
        ] }),
    );
    assert_eq!(reply.reply_to.as_deref(), Some("1600000000.000100"));
    assert_eq!(
        reply.author,
        Author::User {
            id: "U8GUEST8".into(),
            name: Some("Grace".into())
        }
    );
    assert_eq!(
        reply.body().as_deref(),
        Some(
            "yes\n<https://s.example/files/F1|plan.pdf>\n<https://s.example/b.txt?v=1|b.txt>\na file that was deleted"
        )
    );

    let root = one(
        json!({ "type": "message", "user": "U1ADAADA", "text": "who?", "ts": "1600000000.000100",
        "thread_ts": "1600000000.000100", "reply_count": 1, "replies": [{ "user": "U8GUEST8", "ts": "1600000001.000200" }] }),
    );
    assert_eq!(root.reply_to, None);

    let bot = one(
        json!({ "type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "deploys", "text": "done",
        "ts": "1600000002.000000", "icons": { "emoji": ":tada:" } }),
    );
    assert_eq!(
        bot.author,
        Author::Bot {
            id: Some("B1".into()),
            name: "deploys".into()
        }
    );
    let app = one(
        json!({ "type": "message", "user": "U3BOTBOT", "bot_id": "B2", "bot_profile": { "id": "B2", "name": "App" },
        "text": "done", "ts": "1600000003.000000" }),
    );
    assert_eq!(
        app.author,
        Author::User {
            id: "U3BOTBOT".into(),
            name: None
        }
    );
    let shared = one(
        json!({ "type": "message", "subtype": "thread_broadcast", "user": "U1ADAADA", "text": "also here",
        "ts": "1600000004.000000", "thread_ts": "1600000000.000100" }),
    );
    assert_eq!(
        (shared.kind, shared.reply_to.as_deref()),
        (Kind::Message, Some("1600000000.000100"))
    );
}

#[test]
fn blocks_speak_when_the_text_is_empty() {
    let said = |blocks: Value| {
        one(json!({ "type": "message", "user": "U1ADAADA", "text": "", "ts": "1600000000.000100", "blocks": blocks })).content.unwrap()
    };
    assert_eq!(
        said(json!([
            { "type": "header", "text": { "type": "plain_text", "text": "News" } },
            { "type": "divider" },
            { "type": "section", "text": { "type": "mrkdwn", "text": "a *b*" }, "fields": [{ "type": "mrkdwn", "text": "c" }] },
            { "type": "image", "image_url": "https://i.example/1.png", "alt_text": "a | map" },
            { "type": "context", "elements": [{ "type": "plain_text", "text": "d" }] },
        ])),
        "*News*\na *b*\nc\n<https://i.example/1.png|a   map>\nd"
    );
    assert_eq!(
        said(json!([{ "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [
                { "type": "text", "text": "a < b " }, { "type": "text", "text": "bold ", "style": { "bold": true, "italic": true } },
                { "type": "user", "user_id": "U1ADAADA" }, { "type": "channel", "channel_id": "C1" },
                { "type": "link", "url": "https://x.example", "text": "x" }, { "type": "emoji", "name": "clap", "skin_tone": 3 },
                { "type": "broadcast", "range": "here" }, { "type": "text", "text": "f()", "style": { "code": true } },
            ] },
            { "type": "rich_text_list", "style": "ordered", "indent": 0, "elements": [
                { "type": "rich_text_section", "elements": [{ "type": "text", "text": "one" }] },
                { "type": "rich_text_section", "elements": [{ "type": "text", "text": "two" }] },
            ] },
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "let x;\nlet y;" }] },
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "q" }] },
        ] }])),
        "a &lt; b *_bold_* <@U1ADAADA><#C1><https://x.example|x>:clap::skin-tone-3:<!here>`f()`\n1. one\n2. two\n\
         ```let x;\nlet y;```\n&gt; q"
    );
}
