//! What the supergraph is found to say, and the test that a new field has to pass.

use super::*;
use crate::SUPERGRAPH;
use hive_router::query_planner::utils::parsing::parse_schema;

/// Where a field is listed that live events reach and that is not the same for everybody.
const FILE: &str = "schema/private-fields.txt";
const PRIVATE: &str = include_str!("../../../../../schema/private-fields.txt");

fn schema(sdl: &str) -> Schema {
    Schema::of(&parse_schema(sdl)).unwrap()
}

fn committed() -> Schema {
    schema(SUPERGRAPH)
}

impl Schema {
    /// The fields that are not live on objects that live events reach, `Type.field`.
    fn private(&self) -> BTreeSet<String> {
        let roots = self
            .streams
            .keys()
            .filter_map(|stream| self.field(&self.root, stream));
        let mut ahead: Vec<&str> = roots.map(|field| field.of.as_str()).collect();
        let (mut reached, mut private) = (BTreeSet::new(), BTreeSet::new());
        while let Some(next) = ahead.pop() {
            for object in self
                .types
                .get(next)
                .iter()
                .flat_map(|composite| &composite.objects)
            {
                if !reached.insert(object) {
                    continue;
                }
                for (name, field) in &self.types[object].fields {
                    match field.live {
                        true => ahead.push(&field.of),
                        false => _ = private.insert(format!("{object}.{name}")),
                    }
                }
            }
        }
        private
    }
}

/// The lines of the list: a field, and why it is private.
fn listed(text: &str) -> BTreeMap<String, String> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| {
        let (field, reason) = line.split_once(": ").expect("a line is `Type.field: reason`");
        (field.to_owned(), reason.trim().to_owned())
    });
    entries.collect()
}

#[test]
fn what_live_events_reach_is_live_or_private_on_purpose() {
    let (private, listed) = (committed().private(), listed(PRIVATE));
    let undecided: Vec<_> = private
        .iter()
        .filter(|field| !listed.contains_key(*field))
        .collect();
    assert!(
        undecided.is_empty(),
        "live events reach {undecided:?}: tag each `live` where it is the same for everybody who may view the \
         stream, or list it in {FILE} with the reason why it is not"
    );
    let stale: Vec<_> = listed.keys().filter(|field| !private.contains(*field)).collect();
    assert!(
        stale.is_empty(),
        "{FILE} lists {stale:?}, which are live, unreachable or gone"
    );
    assert!(
        listed.values().all(|reason| reason.len() > 10),
        "{FILE} gives each its reason"
    );
}

const SMALL: &str = r#"
    schema { query: Query subscription: Subscription }
    type Query { one: Int }
    type Subscription {
        events(id: ID!, after: Int): Event! @tag(name: "live")
        pages(after: String): Event!
        counts(after: Int): Int!
        must(after: Int!): Event!
        things(after: Int): Thing!
    }
    interface Event { seq: Int! at: String! }
    type StreamHead implements Event { seq: Int! @tag(name: "live") at: String! @tag(name: "live") }
    type StreamReset implements Event { seq: Int! @tag(name: "live") at: String! }
    type Happened implements Event {
        seq: Int! @tag(name: "live")
        at: String! @tag(name: "dead") @tag(name: "live")
        things: [Thing!]! @tag(name: "live")
        mine: Int
        other: Other
    }
    union Any = Thing | Other
    type Thing { name: String @tag(name: "live") any: Any @tag(name: "live") secret: Int @tag(name: "alive") }
    type Other { unseen: Int }
"#;

#[test]
fn numbered_streams_are_found_by_what_they_are() {
    assert_eq!(
        schema(SMALL).streams,
        BTreeMap::from([("events".to_owned(), "StreamHead".to_owned())])
    );
    let expected = [
        ("guildEvents", "GuildStreamHead"),
        ("messageEvents", "StreamHead"),
    ];
    let expected = expected.map(|(stream, head)| (stream.to_owned(), head.to_owned()));
    assert_eq!(committed().streams, BTreeMap::from(expected));
}

#[test]
fn an_untagged_field_is_found_wherever_live_fields_lead() {
    let private: Vec<_> = schema(SMALL).private().into_iter().collect();
    let expected = [
        "Happened.mine",
        "Happened.other",
        "Other.unseen",
        "StreamReset.at",
        "Thing.secret",
    ];
    assert_eq!(private, expected);
}

#[test]
fn an_interface_has_what_all_its_objects_have() {
    let schema = schema(SMALL);
    let live = |of, field| schema.field(of, field).is_some_and(|field| field.live);
    assert!(live("Event", "seq") && !live("Event", "at"));
    assert!(live("Happened", "at") && !live("Thing", "secret"));
    let committed = committed();
    let live = |of, field| committed.field(of, field).is_some_and(|field| field.live);
    assert!(live("MessageEvent", "seq") && live("MessageEvent", "at"));
    assert!(!live("GuildEvent", "seq") && !live("Node", "id"));
}

#[test]
fn of_all_subscriptions_only_messages_are_shared() {
    let committed = committed();
    let live = committed.types["Subscription"]
        .fields
        .iter()
        .filter(|(_, field)| field.live);
    assert_eq!(
        live.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["messageEvents"]
    );
}

#[test]
fn a_fragment_applies_to_what_it_can_be() {
    let schema = schema(SMALL);
    assert!(schema.applies("Event", "StreamHead") && schema.applies("StreamHead", "StreamHead"));
    assert!(schema.applies("Any", "Thing") && !schema.applies("Happened", "StreamHead"));
    assert!(!schema.applies("Missing", "StreamHead"));
}

#[test]
fn a_stream_without_a_head_that_can_be_written_does_not_start() {
    for (part, other) in [
        ("type StreamHead implements", "type Beginning implements"),
        ("type StreamReset implements", "type Again implements"),
        ("type Happened implements", "type HappyStreamHead implements"),
        (
            "type StreamHead implements Event {",
            "type StreamHead implements Event { more: Int",
        ),
    ] {
        let error = Schema::of(&parse_schema(&SMALL.replace(part, other)));
        assert!(error.is_err(), "{other}");
    }
}
