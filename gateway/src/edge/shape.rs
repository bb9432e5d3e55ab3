//! What an operation of a socket is to the live edge: run as it is, or a numbered stream, whose events the
//! edge counts and may share.
//!
//! A stream is numbered by what the supergraph says of it ([`schema`]). Its operation is understood once
//! ([`plan`]) and then only filled with a client's variables ([`numbered`]): thousands who come back ask
//! the same few things. The edge runs it with fields of its own, which it takes out of the answers again
//! ([`answer`]).
//!
//! What this does not know: who may follow a stream, and who does.

mod answer;
mod numbered;
mod plan;
mod reader;
mod schema;
mod text;
mod variables;

pub(crate) use self::{answer::Seen, numbered::Numbered};

use self::{plan::Plan, schema::Schema};
use crate::{GatewayError, operation::Operation};
use commons_platform::ApiError;
use hive_router::{
    graphql_tools::{
        static_graphql::{
            query::{Definition, Document, OperationDefinition, Subscription},
            schema::Document as SchemaDocument,
        },
        validation::{
            rules::default_rules_validation_plan,
            validate::{ValidationPlan, validate},
        },
    },
    query_planner::{
        consumer_schema::ConsumerSchema,
        utils::parsing::{safe_parse_operation, safe_parse_schema},
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const SUBSCRIPTION: &str = "subscription";

/// How much is kept of what was understood, in bytes of text, and how long a text may be for that.
const MAX_KEPT: usize = 4 << 20;
const MAX_KEPT_TEXT: usize = 16 << 10;

/// Knows the shape of operations.
pub(crate) struct Shapes {
    schema: Schema,
    consumer: Arc<SchemaDocument>,
    rules: ValidationPlan,
    kept: Mutex<Kept>,
}

/// What an operation is to the edge.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A query, a mutation, a subscription without numbers, or something that the router refuses: run as
    /// it is.
    Alone,
    /// A subscription whose events have numbers.
    Numbered(Numbered),
}

impl Shapes {
    /// Reads the supergraph.
    ///
    /// # Errors
    /// When it is none, or has a numbered stream that the edge cannot keep.
    pub(crate) fn of_supergraph(sdl: &str) -> Result<Self, GatewayError> {
        let document = safe_parse_schema(sdl).map_err(|error| GatewayError::Supergraph(error.into()))?;
        if document.query_type_name().is_none() {
            return Err(GatewayError::Supergraph("it has no query root".into()));
        }
        Ok(Self {
            schema: Schema::of(&document)?,
            consumer: ConsumerSchema::new_from_supergraph(&document).document,
            rules: default_rules_validation_plan(),
            kept: Mutex::default(),
        })
    }

    /// The shape of an operation. What does not parse or is not valid is [`Shape::Alone`]: the router says
    /// what is wrong with it.
    ///
    /// # Errors
    /// `INVALID` for an `after` that is no event's number, and for what cannot be numbered: a name of the
    /// edge's own, a condition around the root, a text that is too long.
    pub(crate) fn shape(&self, operation: &Operation) -> Result<Shape, ApiError> {
        if operation.about().kind != SUBSCRIPTION {
            return Ok(Shape::Alone);
        }
        let asked = Asked {
            query: operation.query().to_owned(),
            name: operation.operation_name().map(str::to_owned),
        };
        let known = self.kept().plans.get(&asked).cloned();
        let understood = known.unwrap_or_else(|| {
            let understood = self.understand(&asked);
            self.kept().keep(asked, understood.clone());
            understood
        });
        match (understood?, variables::read(operation.variables())) {
            (Some(plan), Some(given)) => Numbered::of(plan, given).map(Shape::Numbered),
            _ => Ok(Shape::Alone),
        }
    }

    fn understand(&self, asked: &Asked) -> Understood {
        let Ok(document) = safe_parse_operation(&asked.query) else {
            return Ok(None);
        };
        if !validate(&self.consumer, &document, &self.rules).is_empty() {
            return Ok(None);
        }
        match chosen(&document, asked.name.as_deref()) {
            Some(subscription) => Ok(Plan::of(&self.schema, &document, subscription)?.map(Arc::new)),
            None => Ok(None),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shapes").finish_non_exhaustive()
    }
}

/// The operation that would run, if it is a subscription.
fn chosen<'d>(document: &'d Document, name: Option<&str>) -> Option<&'d Subscription> {
    let mut operations = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(operation),
            Definition::Fragment(_) => None,
        });
    let operation = match name {
        None => operations.next().filter(|_| operations.next().is_none())?,
        Some(name) => operations.find(|operation| {
            matches!(operation, OperationDefinition::Subscription(own) if own.name.as_deref() == Some(name))
        })?,
    };
    match operation {
        OperationDefinition::Subscription(subscription) => Some(subscription),
        _ => None,
    }
}

/// A text as it came: none for what is not numbered.
type Understood = Result<Option<Arc<Plan>>, ApiError>;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Asked {
    query: String,
    name: Option<String>,
}

/// What was understood, forgotten as a whole when it is too much: a deployment's clients ask few things.
#[derive(Default)]
struct Kept {
    plans: HashMap<Asked, Understood>,
    bytes: usize,
}

impl Kept {
    fn keep(&mut self, asked: Asked, understood: Understood) {
        let written = match &understood {
            Ok(Some(plan)) => plan.text.len(),
            _ => 0,
        };
        let size = asked.query.len() + asked.name.as_ref().map_or(0, String::len) + written;
        if size > MAX_KEPT_TEXT {
            return;
        }
        // What stands around a text counts as much as a short one.
        self.bytes += size + 1024;
        if self.bytes > MAX_KEPT {
            *self = Self::default();
            self.bytes = size + 1024;
        }
        self.plans.insert(asked, understood);
    }
}

#[cfg(test)]
mod tests;
