//! A numbered subscription understood: the text that the edge runs, and what depends on variables.
//!
//! The text is the client's with its fragments put in place, arguments and variables sorted, its name and
//! its `after` gone, and the edge's own fields first in the root's selection. What is run is what the
//! sharing key is made of, so two that share can only have the same answers.
//!
//! It is made of documents that are valid; what is not found all the same makes none.

use super::{
    answer::HeadField,
    reader::{Reader, key},
    schema::Schema,
    text::Text,
    variables::{self, After, Variable},
};
use commons_platform::ApiError;
use hive_router::graphql_tools::static_graphql::query::{
    Document, Field, Subscription, Type, Value, VariableDefinition,
};
use std::sync::Arc;

/// Names of the edge's own in what it runs: an event's number, its type, the position.
pub(super) const SEQ: &str = "commonsSeq";
pub(super) const KIND: &str = "commonsKind";
pub(super) const AFTER: &str = "commonsAfter";

/// How long a text may be once its fragments are in place, in bytes. The router takes 2,000 tokens.
pub(super) const MAX_TEXT: usize = 32 * 1024;
/// How much of an operation's name is kept.
const MAX_NAME: usize = 64;

/// A numbered subscription, whatever its variables are.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is run.
    pub(super) text: String,
    /// What the client calls it.
    pub(super) name: Option<String>,
    /// The variables of the text but for the edge's own, by name.
    pub(super) variables: Vec<Variable>,
    pub(super) after: After,
    /// The root's key in answers.
    pub(super) root: Arc<str>,
    /// The id of the stream.
    pub(super) stream: Option<Stream>,
    /// Whether it is the same for everybody: live fields alone, and nothing that takes some away.
    pub(super) live: bool,
    /// The name of the stream's head, and what is selected of it.
    pub(super) head_type: String,
    pub(super) head: Vec<HeadPart>,
}

/// Where the id of the stream stands.
#[derive(Debug)]
pub(super) enum Stream {
    Literal(String),
    Variable(String),
}

/// A field of the head, under the conditions that it is selected on.
#[derive(Debug)]
pub(super) struct HeadPart {
    pub(super) key: Arc<str>,
    pub(super) what: HeadField,
    pub(super) conditions: Vec<Condition>,
}

/// `@include` or `@skip`.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) flag: Flag,
    pub(super) wanted: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Flag {
    Literal(bool),
    Variable(String),
}

impl Plan {
    /// Understands a subscription; none when it is not numbered.
    ///
    /// # Errors
    /// `INVALID` for a name of the edge's own, for a root under a condition, and for a text that is too
    /// long.
    pub(super) fn of(
        schema: &Schema,
        document: &Document,
        subscription: &Subscription,
    ) -> Result<Option<Self>, ApiError> {
        let mut reader = Reader::new(schema, document);
        let mut roots = Vec::new();
        let plain =
            reader.roots(&subscription.selection_set, &mut roots) && subscription.directives.is_empty();
        let Some(root) = roots.first().copied() else {
            return Ok(None);
        };
        let (Some(head_type), Some(stream)) = (
            schema.head_of(&root.name),
            schema.field(schema.root(), &root.name),
        ) else {
            return Ok(None);
        };
        // Several of one name are one field, whose selections add up.
        let one = roots
            .iter()
            .all(|other| other.name == root.name && key(other) == key(root));
        let (true, Some(after)) = (one, after(subscription, root)) else {
            return Ok(None);
        };
        if !plain {
            let text = "a numbered subscription takes no condition around its only field";
            return Err(ApiError::invalid("query", "ROOT_CONDITION", text));
        }
        reader.live = stream.live;
        reader.root(root, head_type);
        let mut head = Vec::new();
        for root in &roots {
            reader.set(&root.selection_set, &stream.of);
            reader.head(&root.selection_set, head_type, &[], &mut head);
        }
        reader.text.push("}}");
        let declared = &subscription.variable_definitions;
        if reader.reserved || declared.iter().any(|variable| variable.name == AFTER) {
            let text = format!("{SEQ}, {KIND} and {AFTER} are names of the gateway's own");
            return Err(ApiError::invalid("query", "NAME_RESERVED", text));
        }
        if reader.text.text.len() > MAX_TEXT {
            let text = format!("a subscription has at most {MAX_TEXT} bytes with its fragments in place");
            return Err(ApiError::invalid("query", "QUERY_TOO_LONG", text));
        }
        let body = reader.text;
        let mut declared: Vec<_> = declared
            .iter()
            .filter(|variable| body.used.contains(&variable.name))
            .collect();
        declared.sort_by(|one, other| one.name.cmp(&other.name));
        let name = subscription.name.as_ref();
        let plan = Self {
            text: whole(&declared, &body.text),
            name: name.map(|name| name.chars().take(MAX_NAME).collect()),
            variables: declared.into_iter().map(variable).collect(),
            after,
            root: key(root).into(),
            stream: Stream::of(root),
            live: reader.live,
            head_type: head_type.to_owned(),
            head,
        };
        Ok(reader.known.then_some(plan))
    }
}

impl Stream {
    /// The root's one argument beside `after`.
    fn of(root: &Field) -> Option<Self> {
        let mut others = root.arguments.iter().filter(|(name, _)| name != "after");
        match (others.next(), others.next()) {
            (Some((_, Value::String(id))), None) => Some(Self::Literal(id.clone())),
            (Some((_, Value::Variable(name))), None) => Some(Self::Variable(name.clone())),
            _ => None,
        }
    }
}

fn whole(declared: &[&VariableDefinition], body: &str) -> String {
    let mut text = Text::default();
    text.push("subscription(");
    for variable in declared {
        text.definition(variable);
    }
    text.next();
    text.push(&format!("${AFTER}:Int){body}"));
    text.text
}

/// What the client wrote for `after`; none for what cannot stand there.
fn after(subscription: &Subscription, root: &Field) -> Option<After> {
    let Some((_, value)) = root.arguments.iter().find(|(name, _)| name == "after") else {
        return Some(After::Absent);
    };
    match value {
        Value::Null => Some(After::Absent),
        Value::Int(number) => number.as_i64().map(After::Literal),
        Value::Variable(name) => {
            let mut declared = subscription.variable_definitions.iter();
            let declared = declared.find(|variable| variable.name == *name)?;
            Some(After::Variable {
                variable: variable(declared),
                required: matches!(declared.var_type, Type::NonNullType(_)),
            })
        }
        _ => None,
    }
}

fn variable(declared: &VariableDefinition) -> Variable {
    Variable {
        name: declared.name.clone(),
        default: declared.default_value.as_ref().and_then(variables::of_literal),
    }
}
