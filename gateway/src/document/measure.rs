//! What a document adds up to, its fragments spread.
//!
//! The router spreads fragments where they are used, which doubles a document with each fragment that
//! spreads the next one twice: that is bounded here. Aliases are counted as the router counts them, which
//! takes more: the live edge adds some of its own.

use commons_platform::{ApiError, graphql::limits::MAX_ALIASES};
use hive_router::graphql_tools::parser::query::{
    Definition, Document, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use std::collections::HashMap;

/// How many fields an operation may have once its fragments are spread.
const MAX_FIELDS: usize = 1_000;
/// How often one field may stand in one selection once its fragments are spread: validation compares
/// each with each.
const MAX_REPEATS: usize = 16;

/// What a selection adds up to.
#[derive(Clone, Default)]
struct Size<'d> {
    fields: usize,
    aliases: usize,
    /// How often each name that the answer will have stands in it.
    names: HashMap<&'d str, usize>,
}

impl<'d> Size<'d> {
    /// Takes in a part that stands in the same selection: an inline fragment, a spread.
    fn take_in(&mut self, part: &Self) -> Result<(), ApiError> {
        self.add(part);
        part.names
            .iter()
            .try_for_each(|(name, count)| self.note(name, *count))
    }

    /// Adds what counts wherever it stands.
    fn add(&mut self, part: &Self) {
        self.fields = self.fields.saturating_add(part.fields);
        self.aliases = self.aliases.saturating_add(part.aliases);
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

/// Counts fields and aliases; each fragment is measured once, however often it is spread.
pub(super) struct Measure<'d> {
    fragments: HashMap<&'d str, &'d FragmentDefinition<'d, &'d str>>,
    /// None while a fragment is being measured: meeting it then is a circle.
    known: HashMap<&'d str, Option<Size<'d>>>,
}

impl<'d> Measure<'d> {
    /// With the fragments of a document known.
    pub(super) fn new(document: &'d Document<'d, &'d str>) -> Self {
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

    /// Measures every operation, and every fragment by itself.
    ///
    /// # Errors
    /// `INVALID` with the bound that is passed.
    pub(super) fn check(&mut self, document: &'d Document<'d, &'d str>) -> Result<(), ApiError> {
        for definition in &document.definitions {
            let (set, max_aliases) = match definition {
                Definition::Operation(operation) => (selection_of(operation), MAX_ALIASES),
                // Nothing runs of a fragment that no operation spreads.
                Definition::Fragment(fragment) => (&fragment.selection_set, usize::MAX),
            };
            let size = self.set(set)?;
            for (what, found, most, reason) in [
                ("fields", size.fields, MAX_FIELDS, "TOO_MANY_FIELDS"),
                ("aliases", size.aliases, max_aliases, "TOO_MANY_ALIASES"),
            ] {
                if found > most {
                    let message = format!("the operation has more than {most} {what}");
                    return Err(ApiError::invalid("query", reason, message));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &'d SelectionSet<'d, &'d str>) -> Result<Size<'d>, ApiError> {
        let mut size = Size::default();
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    size.add(&self.set(&field.selection_set)?);
                    size.fields = size.fields.saturating_add(1);
                    size.aliases = size.aliases.saturating_add(usize::from(field.alias.is_some()));
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

fn selection_of<'d>(operation: &'d OperationDefinition<'d, &'d str>) -> &'d SelectionSet<'d, &'d str> {
    match operation {
        OperationDefinition::SelectionSet(set) => set,
        OperationDefinition::Query(query) => &query.selection_set,
        OperationDefinition::Mutation(mutation) => &mutation.selection_set,
        OperationDefinition::Subscription(subscription) => &subscription.selection_set,
    }
}

#[cfg(test)]
mod tests {
    use crate::document::check;
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
    fn aliases_are_counted_in_each_operation() {
        let aliases = |from: usize, many: usize| {
            (from..from + many).fold(String::new(), |mut all, number| {
                write!(all, "a{number}: a ").unwrap();
                all
            })
        };
        let (fifteen, others, thirty) = (aliases(0, 15), aliases(15, 15), aliases(0, 30));
        for query in [
            format!("{{ {thirty} END }}"),
            format!("{{ x {{ ... {{ {fifteen} }} ... on X {{ {others} END }} }} }}"),
            format!("{{ x {{ ...F }} y {{ ...F END }} }} fragment F on X {{ {fifteen} }}"),
            format!("query A {{ {thirty} }} query B {{ {thirty} END }}"),
            // Nobody spreads the fragment.
            format!("{{ {thirty} END }} fragment F on X {{ {thirty} more: a }}"),
        ] {
            assert_eq!(reason(&query.replace("END", "end")), None, "{query}");
            let one_more = query.replace("END", "one: end");
            assert_eq!(reason(&one_more), Some("TOO_MANY_ALIASES"), "{query}");
        }
    }
}
