//! A numbered subscription as one client asks for it: its plan, its variables, where it goes on from.

use super::{
    SUBSCRIPTION,
    answer::{self, HeadField, Seen},
    plan::{AFTER, Condition, Flag, Plan, Stream},
    variables::{self, Values},
};
use crate::{document::About, operation::Operation};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commons_platform::ApiError;
use serde_json::{Value, value::RawValue};
use std::sync::Arc;

/// A numbered subscription with its variables.
#[derive(Debug)]
pub(crate) struct Numbered {
    plan: Arc<Plan>,
    /// The values of the plan's variables, a JSON object.
    variables: String,
    head: Vec<(Arc<str>, HeadField)>,
    /// The last event that the client knows; none when it starts now.
    pub(crate) after: Option<i64>,
    /// Present when everybody who asks for it gets the same.
    pub(crate) shared: Option<Shared>,
}

/// What those who share have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    /// All that the answers depend on: what is run, and its variables. A text, not a hash of it.
    pub(crate) key: Arc<str>,
    /// The id of the stream, as the client wrote it.
    pub(crate) stream: String,
}

impl Numbered {
    pub(super) fn of(plan: Arc<Plan>, given: Values) -> Result<Self, ApiError> {
        let after = plan.after.find(&given)?;
        let mut values = Values::new();
        for variable in &plan.variables {
            if let Some(value) = given.get(&variable.name).or(variable.default.as_ref()) {
                values.insert(variable.name.clone(), value.clone());
            }
        }
        let variables = variables::canonical(&values);
        let stream = match &plan.stream {
            Some(Stream::Literal(id)) => Some(id.as_str()),
            Some(Stream::Variable(name)) => values.get(name).and_then(Value::as_str),
            None => None,
        };
        let shared = stream.filter(|_| plan.live).map(|stream| Shared {
            key: format!("{}\n{variables}", plan.text).into(),
            stream: stream.to_owned(),
        });
        Ok(Self {
            head: head(&plan, &values),
            plan,
            variables,
            after,
            shared,
        })
    }

    /// What the edge runs to get what follows an event, or what happens from now on.
    pub(crate) fn at(&self, after: Option<i64>) -> Operation {
        let variables = match after {
            None => self.variables.clone(),
            Some(after) if self.variables == "{}" => format!("{{\"{AFTER}\":{after}}}"),
            Some(after) => format!("{{\"{AFTER}\":{after},{}", &self.variables[1..]),
        };
        let variables = RawValue::from_string(variables).expect("an object with one more field is JSON");
        let about = About {
            kind: SUBSCRIPTION,
            // What many share has no name of one.
            name: self.plan.name.clone().filter(|_| self.shared.is_none()),
        };
        Operation::rewritten(self.plan.text.clone(), variables, about)
    }

    /// Reads one of the router's answers; none when it is no event, but errors alone.
    pub(crate) fn read(&self, answer: &[u8]) -> Option<Seen> {
        answer::read(&self.plan.root, answer)
    }

    /// The first answer of a stream: where it stands, as this client selects it.
    pub(crate) fn head_answer(&self, seq: i64, at: DateTime<Utc>) -> Bytes {
        answer::head(&self.plan.root, &self.plan.head_type, &self.head, seq, at)
    }
}

/// The fields of the head that are selected with these variables.
fn head(plan: &Plan, values: &Values) -> Vec<(Arc<str>, HeadField)> {
    let holds = |condition: &Condition| {
        let flag = match &condition.flag {
            Flag::Literal(flag) => *flag,
            Flag::Variable(name) => values.get(name).and_then(Value::as_bool).unwrap_or_default(),
        };
        flag == condition.wanted
    };
    let mut head: Vec<(Arc<str>, HeadField)> = Vec::new();
    for part in plan.head.iter().filter(|part| part.conditions.iter().all(holds)) {
        if head.iter().all(|(key, _)| *key != part.key) {
            head.push((part.key.clone(), part.what));
        }
    }
    head
}
