//! What is checked of a document before the router sees it: what its fragments add up to, and
//! whether it changes anything.
//!
//! Nesting and tokens are bounded before parsing ([`guard`]); depth, aliases and directives by the
//! router itself. The router spreads fragments where they are used, which doubles a document with each
//! fragment that spreads the next one twice: that is bounded here.

use commons_platform::{ApiError, graphql::guard};
use hive_router::graphql_tools::parser::query::{
    self, Definition, Document, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use std::collections::HashMap;

/// How many fields an operation may have once its fragments are spread.
const MAX_FIELDS: usize = 1_000;
/// How often one field may stand in one selection once its fragments are spread: validation compares
/// each with each.
const MAX_REPEATS: usize = 16;

/// How much of an operation's name is kept.
const MAX_NAME: usize = 64;

/// What an operation is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// `query`, `mutation`, `subscription`, or `-` where it cannot be told.
    pub(crate) kind: &'static str,
    /// What the client calls it.
    pub(crate) name: Option<String>,
}

impl Default for About {
    fn default() -> Self {
        Self {
            kind: "-",
            name: None,
        }
    }
}

/// Refuses a document that is too costly to look at, or whose fragments are; tells what the operation is
/// that would run.
///
/// A document that does not parse passes: the router says what is wrong with it.
///
/// # Errors
/// `INVALID` with the bound that is passed.
pub(crate) fn check(query: &str, operation_name: Option<&str>) -> Result<About, ApiError> {
    guard::check(query)?;
    let Ok(document) = query::parse_query::<&str>(query) else {
        return Ok(About::default());
    };
    let mut measure = Measure::new(&document);
    for definition in &document.definitions {
        let set = match definition {
            Definition::Operation(operation) => selection_of(operation),
            Definition::Fragment(fragment) => &fragment.selection_set,
        };
        if measure.set(set)?.fields > MAX_FIELDS {
            return Err(ApiError::invalid(
                "query",
                "TOO_MANY_FIELDS",
                format!("the operation has more than {MAX_FIELDS} fields"),
            ));
        }
    }
    Ok(about(&document, operation_name))
}

fn about<'d>(document: &Document<'d, &'d str>, asked: Option<&str>) -> About {
    let operations = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(match operation {
                OperationDefinition::SelectionSet(_) => ("query", None),
                OperationDefinition::Query(query) => ("query", query.name),
                OperationDefinition::Mutation(mutation) => ("mutation", mutation.name),
                OperationDefinition::Subscription(subscription) => ("subscription", subscription.name),
            }),
            Definition::Fragment(_) => None,
        });
    let mut named = operations.filter(|(_, name): &(_, Option<&str>)| asked.is_none() || *name == asked);
    named.next().map_or_else(About::default, |(kind, name)| About {
        kind,
        name: name.map(|name| name.chars().take(MAX_NAME).collect()),
    })
}

/// Whether the operation that would run is a mutation. A document that does not parse is none.
pub(crate) fn is_mutation(query: &str, operation_name: Option<&str>) -> bool {
    let Ok(document) = query::parse_query::<&str>(query) else {
        return false;
    };
    document.definitions.iter().any(|definition| match definition {
        Definition::Operation(OperationDefinition::Mutation(mutation)) => {
            operation_name.is_none() || mutation.name == operation_name
        }
        _ => false,
    })
}

fn selection_of<'d>(operation: &'d OperationDefinition<'d, &'d str>) -> &'d SelectionSet<'d, &'d str> {
    match operation {
        OperationDefinition::SelectionSet(set) => set,
        OperationDefinition::Query(query) => &query.selection_set,
        OperationDefinition::Mutation(mutation) => &mutation.selection_set,
        OperationDefinition::Subscription(subscription) => &subscription.selection_set,
    }
}

/// What a selection adds up to.
#[derive(Clone, Default)]
struct Size<'d> {
    fields: usize,
    /// How often each name that the answer will have stands in it.
    names: HashMap<&'d str, usize>,
}

impl<'d> Size<'d> {
    /// Takes in a part that stands in the same selection: an inline fragment, a spread.
    fn take_in(&mut self, part: &Self) -> Result<(), ApiError> {
        self.fields = self.fields.saturating_add(part.fields);
        part.names
            .iter()
            .try_for_each(|(name, count)| self.note(name, *count))
    }

    fn note(&mut self, name: &'d str, count: usize) -> Result<(), ApiError> {
        let sum = self.names.entry(name).or_default();
        *sum = sum.saturating_add(count);
        if *sum > MAX_REPEATS {
            let message = format!("a selection has one field more than {MAX_REPEATS} times");
            return Err(ApiError::invalid("query", "TOO_MANY_REPEATS", message));
        }
        Ok(())
    }
}

/// Counts fields; each fragment is measured once, however often it is spread.
struct Measure<'d> {
    fragments: HashMap<&'d str, &'d FragmentDefinition<'d, &'d str>>,
    /// None while a fragment is being measured: meeting it then is a circle.
    known: HashMap<&'d str, Option<Size<'d>>>,
}

impl<'d> Measure<'d> {
    fn new(document: &'d Document<'d, &'d str>) -> Self {
        let fragments = document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Fragment(fragment) => Some((fragment.name, fragment)),
                Definition::Operation(_) => None,
            });
        Self {
            fragments: fragments.collect(),
            known: HashMap::new(),
        }
    }

    fn set(&mut self, set: &'d SelectionSet<'d, &'d str>) -> Result<Size<'d>, ApiError> {
        let mut size = Size::default();
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let inner = self.set(&field.selection_set)?.fields;
                    size.fields = size.fields.saturating_add(inner).saturating_add(1);
                    size.note(field.alias.unwrap_or(field.name), 1)?;
                }
                Selection::InlineFragment(inline) => size.take_in(&self.set(&inline.selection_set)?)?,
                Selection::FragmentSpread(spread) => size.take_in(&self.fragment(spread.fragment_name)?)?,
            }
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'d str) -> Result<Size<'d>, ApiError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(size.clone()),
            Some(None) => {
                return Err(ApiError::invalid(
                    "query",
                    "FRAGMENT_CYCLE",
                    "a fragment spreads itself",
                ));
            }
            None => {}
        }
        // An unknown fragment is for the router's validation to name.
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Ok(Size::default());
        };
        self.known.insert(name, None);
        let size = self.set(&fragment.selection_set)?;
        self.known.insert(name, Some(size.clone()));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn reason(query: &str) -> Option<&'static str> {
        check(query, None).err().and_then(|error| error.reason())
    }

    fn doubling(levels: usize) -> String {
        let mut query = "{ ...F0 }".to_owned();
        for level in 0..levels {
            let next = level + 1;
            write!(query, " fragment F{level} on Query {{ ...F{next} ...F{next} }}").unwrap();
        }
        write!(query, " fragment F{levels} on Query {{ a }}").unwrap();
        query
    }

    #[test]
    fn one_field_stands_in_a_selection_only_so_often() {
        assert_eq!(reason(&format!("{{ {} }}", "a ".repeat(16))), None);
        assert_eq!(
            reason(&format!("{{ {} }}", "a ".repeat(17))),
            Some("TOO_MANY_REPEATS")
        );
        assert_eq!(
            reason(&format!("{{ x {{ {} }} }}", "... { a } ".repeat(17))),
            Some("TOO_MANY_REPEATS")
        );
        assert_eq!(
            reason(&format!("{{ {} }}", "b: x { a } ".repeat(17))),
            Some("TOO_MANY_REPEATS")
        );
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        assert_eq!(reason(&doubling(4)), None);
        assert_eq!(reason(&doubling(5)), Some("TOO_MANY_REPEATS"));
        assert_eq!(reason(&doubling(100)), Some("TOO_MANY_REPEATS"));
        let wide: String = (0..90).map(|i| format!("a{i} ")).collect();
        let spread: String = (0..12).map(|i| format!("x{i} {{ ...W }} ")).collect();
        assert_eq!(
            reason(&format!("{{ {spread} }} fragment W on X {{ {wide} }}")),
            Some("TOO_MANY_FIELDS")
        );
    }

    #[test]
    fn circles_are_refused() {
        assert_eq!(
            reason("{ ...A } fragment A on Query { ...A }"),
            Some("FRAGMENT_CYCLE")
        );
        let pair = "{ ...A } fragment A on Query { ...B } fragment B on Query { x { ...A } }";
        assert_eq!(reason(pair), Some("FRAGMENT_CYCLE"));
    }

    #[test]
    fn an_operation_is_told_by_its_name() {
        let about = |query, asked| check(query, asked).unwrap();
        let known = |kind, name: &str| About {
            kind,
            name: Some(name.to_owned()),
        };
        assert_eq!(
            about("{ a }", None),
            About {
                kind: "query",
                name: None
            }
        );
        let several = "query A { a } mutation B { b } subscription C { c }";
        assert_eq!(about(several, Some("B")), known("mutation", "B"));
        assert_eq!(about(several, Some("C")), known("subscription", "C"));
        assert_eq!(about(several, Some("D")), About::default());
        assert_eq!(about("not a document", None), About::default());
    }

    #[test]
    fn mutations_are_known_by_their_name() {
        assert!(is_mutation("mutation { a }", None));
        assert!(!is_mutation("{ mutation }", None));
        let both = "query A { a } mutation B { b }";
        assert!(!is_mutation(both, Some("A")));
        assert!(is_mutation(both, Some("B")));
    }
}
