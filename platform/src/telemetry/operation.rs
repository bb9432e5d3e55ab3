//! Rate, errors and duration of each root field of a subgraph.
//!
//! An operation counts for every root field that it selects, with the duration of the whole: the router
//! sends one root field at a time. Only names that the schema has become labels; the rest is `-`.

use super::metric::{OPERATION_SECONDS, OPERATIONS, OPERATIONS_IN_FLIGHT, Present, SUBSCRIPTION_EVENTS};
use crate::Code;
use async_graphql::{
    Name, PathSegment, Request, Response, ServerError, Value,
    parser::{
        parse_schema,
        types::{
            DocumentOperations, ExecutableDocument, OperationType, Selection, SelectionSet, TypeKind,
            TypeSystemDefinition,
        },
    },
};
use futures_util::{StreamExt, stream, stream::BoxStream};
use metrics::{counter, histogram};
use std::{collections::HashSet, sync::Arc, task::Poll, time::Instant};
use tracing::Span;

/// Root fields that every schema has and no SDL says.
const EVERYWHERE: [&str; 5] = ["_entities", "_service", "__schema", "__type", "__typename"];
/// What stands for a name that no schema has.
const UNKNOWN: &str = "-";
/// How many root fields of one operation count.
const MOST: usize = 32;

/// The root fields of one subgraph.
#[derive(Debug)]
pub struct Operations {
    subgraph: &'static str,
    fields: HashSet<Arc<str>>,
    unknown: Arc<str>,
}

impl Operations {
    /// The root fields that an SDL has, whose root types have their usual names.
    pub fn new(subgraph: &'static str, sdl: &str) -> Arc<Self> {
        let mut fields: HashSet<Arc<str>> = EVERYWHERE.iter().map(|name| (*name).into()).collect();
        match parse_schema(sdl) {
            Ok(document) => {
                for definition in document.definitions {
                    if let TypeSystemDefinition::Type(found) = definition
                        && let TypeKind::Object(object) = found.node.kind
                        && ["Query", "Mutation", "Subscription"].contains(&found.node.name.node.as_str())
                    {
                        fields.extend(
                            object
                                .fields
                                .iter()
                                .map(|field| field.node.name.node.as_str().into()),
                        );
                    }
                }
            }
            Err(error) => tracing::error!(subgraph, %error, "the figures of operations have no names"),
        }
        Arc::new(Self {
            subgraph,
            fields,
            unknown: UNKNOWN.into(),
        })
    }

    /// An operation begins, of which nothing is known yet.
    pub fn begin(self: &Arc<Self>) -> Running {
        Running {
            began: Instant::now(),
            kind: UNKNOWN,
            roots: Vec::new(),
            outcome: None,
            _present: Present::of_subgraph(OPERATIONS_IN_FLIGHT, self.subgraph),
            operations: self.clone(),
        }
    }
}

/// An operation that runs; dropped before it is settled, it was cancelled.
#[derive(Debug)]
pub struct Running {
    operations: Arc<Operations>,
    began: Instant,
    kind: &'static str,
    roots: Vec<Root>,
    /// What an operation without any root that failed came to.
    outcome: Option<&'static str>,
    _present: Present,
}

#[derive(Debug)]
struct Root {
    /// What the answer calls it.
    key: Name,
    field: Arc<str>,
}

impl Running {
    /// Reads which operation it is; the document has passed its limits.
    pub fn read(&mut self, request: &mut Request) {
        let name = request.operation_name.clone();
        let Ok(document) = request.parsed_query() else {
            return;
        };
        let operation = match (&document.operations, name) {
            (DocumentOperations::Single(operation), _) => Some(operation),
            (DocumentOperations::Multiple(several), Some(name)) => several.get(name.as_str()),
            // The only one, which has a name.
            (DocumentOperations::Multiple(several), None) if several.len() == 1 => several.values().next(),
            (DocumentOperations::Multiple(_), None) => None,
        };
        let Some(operation) = operation else { return };
        self.kind = match operation.node.ty {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        self.collect(&operation.node.selection_set.node, document);
    }

    fn collect(&mut self, set: &SelectionSet, document: &ExecutableDocument) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if self.roots.len() < MOST => {
                    let name = field.node.name.node.as_str();
                    let known = self
                        .operations
                        .fields
                        .get(name)
                        .unwrap_or(&self.operations.unknown);
                    self.roots.push(Root {
                        key: field.node.response_key().node.clone(),
                        field: known.clone(),
                    });
                }
                Selection::Field(_) => {}
                Selection::InlineFragment(inline) => {
                    self.collect(&inline.node.selection_set.node, document);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(&fragment.node.selection_set.node, document);
                    }
                }
            }
        }
    }

    /// `query`, `mutation` or `subscription`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its first root field.
    pub fn field(&self) -> &str {
        self.roots.first().map_or(UNKNOWN, |root| &root.field)
    }

    /// It has its answer: counts it, and gives its outcome as a whole, `ok` or the code of an error.
    pub fn settle(mut self, response: &Response) -> &'static str {
        let outcome = self.count(Some(response));
        let seconds = self.began.elapsed().as_secs_f64();
        self.each_field(|subgraph, kind, field, _| {
            histogram!(OPERATION_SECONDS, "subgraph" => subgraph, "kind" => kind, "field" => field)
                .record(seconds);
        });
        outcome
    }

    /// Counts it once by what it said first, or by not having said anything.
    fn count(&mut self, response: Option<&Response>) -> &'static str {
        let errors = response.map_or(&[][..], |response| &response.errors);
        let whole = match (response, errors.first()) {
            (None, _) => "cancelled",
            (Some(_), None) => "ok",
            (Some(_), Some(error)) => outcome(error),
        };
        if self.outcome.replace(whole).is_none() {
            self.each_field(|subgraph, kind, field, key| {
                let error = errors.iter().find(|error| match (error.path.first(), key) {
                    (Some(PathSegment::Field(at)), Some(key)) => at == key.as_str(),
                    _ => true,
                });
                let outcome = if response.is_none() { whole } else { error.map_or("ok", outcome) };
                counter!(OPERATIONS, "subgraph" => subgraph, "kind" => kind, "field" => field, "outcome" => outcome)
                    .increment(1);
            });
        }
        whole
    }

    /// Calls once for each distinct root field; once with `-` where nothing was read.
    fn each_field(&self, mut tell: impl FnMut(&'static str, &'static str, Arc<str>, Option<&Name>)) {
        let subgraph = self.operations.subgraph;
        if self.roots.is_empty() {
            tell(subgraph, self.kind, self.operations.unknown.clone(), None);
        }
        for (at, root) in self.roots.iter().enumerate() {
            if !self.roots[..at].iter().any(|earlier| earlier.field == root.field) {
                tell(subgraph, self.kind, root.field.clone(), Some(&root.key));
            }
        }
    }

    /// Counts what a stream says. `logged` is what lines of the log are in for as long as it lives; `traced`
    /// ends with its first answer, for a stream has no end worth waiting for.
    pub fn follow(
        mut self,
        mut responses: BoxStream<'static, Response>,
        logged: Span,
        traced: Span,
    ) -> BoxStream<'static, Response> {
        let mut opening = Some(traced);
        let followed = stream::poll_fn(move |context| {
            let _logged = logged.enter();
            let next = match &opening {
                Some(traced) => traced.in_scope(|| responses.poll_next_unpin(context)),
                None => responses.poll_next_unpin(context),
            };
            if let Poll::Ready(said) = &next {
                if let Some(response) = said {
                    self.said(response);
                }
                if let Some(traced) = opening.take() {
                    super::span::settle(&traced, self.outcome.unwrap_or("ok"));
                }
            }
            next
        });
        followed.boxed()
    }

    fn said(&mut self, response: &Response) {
        if self.outcome.is_none() {
            self.count(Some(response));
        }
        if self.kind == "subscription" {
            let (subgraph, field) = (self.operations.subgraph, self.roots.first());
            let field = field.map_or_else(|| self.operations.unknown.clone(), |root| root.field.clone());
            counter!(SUBSCRIPTION_EVENTS, "subgraph" => subgraph, "field" => field).increment(1);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            self.count(None);
        }
    }
}

/// An error's code, out of the closed set.
fn outcome(error: &ServerError) -> &'static str {
    let code = error
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get("code"));
    match code {
        Some(Value::String(code)) => Code::ALL
            .into_iter()
            .find(|known| known.as_str() == code)
            .unwrap_or(Code::Internal)
            .as_str(),
        _ => Code::Internal.as_str(),
    }
}
