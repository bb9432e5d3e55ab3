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

/// Refuses a document that is too costly to look at, or whose fragments are.
///
/// A document that does not parse passes: the router says what is wrong with it.
///
/// # Errors
/// `INVALID` with the bound that is passed.
pub(crate) fn check(query: &str) -> Result<(), ApiError> {
    guard::check(query)?;
    // Without fragments a document is as large as it looks.
    if !query.contains("fragment") {
        return Ok(());
    }
    let Ok(document) = query::parse_query::<&str>(query) else {
        return Ok(());
    };
    let mut measure = Measure::new(&document);
    for definition in &document.definitions {
        let set = match definition {
            Definition::Operation(operation) => selection_of(operation),
            Definition::Fragment(fragment) => &fragment.selection_set,
        };
        if measure.fields(set)? > MAX_FIELDS {
            return Err(ApiError::invalid(
                "query",
                "TOO_MANY_FIELDS",
                format!("the operation has more than {MAX_FIELDS} fields"),
            ));
        }
    }
    Ok(())
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

/// Counts fields; each fragment is measured once, however often it is spread.
struct Measure<'d> {
    fragments: HashMap<&'d str, &'d FragmentDefinition<'d, &'d str>>,
    /// None while a fragment is being measured: meeting it then is a circle.
    known: HashMap<&'d str, Option<usize>>,
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

    fn fields(&mut self, set: &'d SelectionSet<'d, &'d str>) -> Result<usize, ApiError> {
        let mut sum = 0usize;
        for selection in &set.items {
            let fields = match selection {
                Selection::Field(field) => self.fields(&field.selection_set)?.saturating_add(1),
                Selection::InlineFragment(inline) => self.fields(&inline.selection_set)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.fragment_name)?,
            };
            sum = sum.saturating_add(fields);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'d str) -> Result<usize, ApiError> {
        match self.known.get(name) {
            Some(Some(fields)) => return Ok(*fields),
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
            return Ok(0);
        };
        self.known.insert(name, None);
        let fields = self.fields(&fragment.selection_set)?;
        self.known.insert(name, Some(fields));
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn reason(query: &str) -> Option<&'static str> {
        check(query).err().and_then(|error| error.reason())
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
    fn fragments_count_as_often_as_they_are_spread() {
        assert_eq!(reason(&doubling(9)), None);
        assert_eq!(reason(&doubling(10)), Some("TOO_MANY_FIELDS"));
        assert_eq!(reason(&doubling(100)), Some("TOO_MANY_FIELDS"));
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
    fn mutations_are_known_by_their_name() {
        assert!(is_mutation("mutation { a }", None));
        assert!(!is_mutation("{ mutation }", None));
        let both = "query A { a } mutation B { b }";
        assert!(!is_mutation(both, Some("A")));
        assert!(is_mutation(both, Some("B")));
    }
}
