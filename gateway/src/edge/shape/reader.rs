//! A way through the selections of a subscription: writes them with their fragments in place, and notes
//! what there is to know of them. What it adds up to is in [`super::plan`].

use super::{
    answer::HeadField,
    plan::{AFTER, Condition, Flag, HeadPart, KIND, MAX_TEXT, SEQ},
    schema::Schema,
    text::Text,
};
use hive_router::graphql_tools::static_graphql::query::{
    Definition, Directive, Document, Field, FragmentDefinition, Selection, SelectionSet, TypeCondition, Value,
};
use std::collections::HashMap;

/// On its way.
pub(super) struct Reader<'d> {
    schema: &'d Schema,
    fragments: HashMap<&'d str, &'d FragmentDefinition>,
    pub(super) text: Text,
    /// Whether all fields are live, and none has a directive.
    pub(super) live: bool,
    /// Whether all that is named was found.
    pub(super) known: bool,
    /// Whether a name of the edge's own is used.
    pub(super) reserved: bool,
}

impl<'d> Reader<'d> {
    pub(super) fn new(schema: &'d Schema, document: &'d Document) -> Self {
        let fragments = document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
                Definition::Operation(_) => None,
            });
        Self {
            schema,
            fragments: fragments.collect(),
            text: Text::default(),
            live: true,
            known: true,
            reserved: false,
        }
    }

    /// A part of a selection set: the type that it is on when it says one, its directives, its fields.
    fn part(&self, selection: &'d Selection) -> Option<(Option<&'d str>, &'d [Directive], &'d SelectionSet)> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(inline) => {
                let on = inline
                    .type_condition
                    .as_ref()
                    .map(|TypeCondition::On(on)| on.as_str());
                Some((on, &inline.directives, &inline.selection_set))
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.fragments.get(spread.fragment_name.as_str())?;
                let TypeCondition::On(on) = &fragment.type_condition;
                Some((Some(on), &spread.directives, &fragment.selection_set))
            }
        }
    }

    /// The fields of the root, wherever they stand; whether none is under a condition.
    pub(super) fn roots(&mut self, set: &'d SelectionSet, found: &mut Vec<&'d Field>) -> bool {
        let mut plain = true;
        for selection in &set.items {
            match (selection, self.part(selection)) {
                (Selection::Field(field), _) => {
                    found.push(field);
                    plain &= field.directives.is_empty();
                }
                (_, Some((_, directives, set))) => {
                    plain &= self.roots(set, found) && directives.is_empty();
                }
                (_, None) => self.known = false,
            }
        }
        plain
    }

    /// Writes the root up to the client's own selection. The router asks a subgraph for the type of an
    /// event only when something is selected of one type, and names the interface otherwise.
    pub(super) fn root(&mut self, root: &'d Field, head: &str) {
        self.text.push("{");
        self.name(root);
        let mut arguments: Vec<_> = root
            .arguments
            .iter()
            .filter(|(name, _)| name != "after")
            .collect();
        arguments.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.text.push("(");
        for (name, value) in arguments {
            self.text.argument(name, value);
        }
        self.text.next();
        self.text.push(&format!(
            "after:${AFTER}){{{SEQ}:seq {KIND}:__typename ...on {head}{{{KIND}:__typename}}"
        ));
    }

    pub(super) fn set(&mut self, set: &'d SelectionSet, of: &'d str) {
        for selection in &set.items {
            if self.text.text.len() > MAX_TEXT {
                return;
            }
            match selection {
                Selection::Field(field) => self.field(field, of),
                _ => match self.part(selection) {
                    Some((on, directives, set)) => self.fragment(on, directives, set, of),
                    None => self.known = false,
                },
            }
        }
    }

    fn fragment(
        &mut self,
        on: Option<&'d str>,
        directives: &'d [Directive],
        set: &'d SelectionSet,
        of: &'d str,
    ) {
        self.live &= directives.is_empty();
        if directives.is_empty() && on.is_none_or(|on| on == of) {
            return self.set(set, of);
        }
        self.text.next();
        self.text.push("...");
        if let Some(on) = on {
            self.text.push("on ");
            self.text.push(on);
        }
        self.text.directives(directives);
        self.text.push("{");
        self.set(set, on.unwrap_or(of));
        self.text.push("}");
    }

    fn field(&mut self, field: &'d Field, of: &'d str) {
        self.text.next();
        self.name(field);
        self.text.arguments(&field.arguments);
        self.text.directives(&field.directives);
        self.live &= field.directives.is_empty();
        if field.name == "__typename" {
            return;
        }
        let Some(known) = self.schema.field(of, &field.name) else {
            return self.known = false;
        };
        self.live &= known.live;
        if !field.selection_set.items.is_empty() {
            self.text.push("{");
            self.set(&field.selection_set, &known.of);
            self.text.push("}");
        }
    }

    fn name(&mut self, field: &'d Field) {
        let key = key(field);
        self.reserved |= key == SEQ || key == KIND;
        if key != field.name {
            self.text.push(key);
            self.text.push(":");
        }
        self.text.push(&field.name);
    }

    /// What is selected of the stream's head, as the router would collect it.
    pub(super) fn head(
        &self,
        set: &'d SelectionSet,
        head: &str,
        around: &[Condition],
        found: &mut Vec<HeadPart>,
    ) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let what = match field.name.as_str() {
                        "__typename" => HeadField::Typename,
                        "seq" => HeadField::Seq,
                        "at" => HeadField::At,
                        _ => continue,
                    };
                    found.push(HeadPart {
                        key: key(field).into(),
                        what,
                        conditions: conditions(around, &field.directives),
                    });
                }
                _ => match self.part(selection) {
                    Some((on, directives, set)) if on.is_none_or(|on| self.schema.applies(on, head)) => {
                        self.head(set, head, &conditions(around, directives), found);
                    }
                    _ => {}
                },
            }
        }
    }
}

/// The key that a field has in the answer.
pub(super) fn key(field: &Field) -> &str {
    field.alias.as_ref().unwrap_or(&field.name)
}

fn conditions(around: &[Condition], directives: &[Directive]) -> Vec<Condition> {
    let own = directives.iter().filter_map(|directive| {
        let (_, flag) = directive.arguments.iter().find(|(name, _)| name == "if")?;
        Some(Condition {
            flag: match flag {
                Value::Boolean(flag) => Flag::Literal(*flag),
                Value::Variable(name) => Flag::Variable(name.clone()),
                _ => return None,
            },
            wanted: directive.name == "include",
        })
    });
    around.iter().cloned().chain(own).collect()
}
