//! What of the supergraph shaping needs: which fields are live, which subscriptions are numbered, what an
//! interface can be.
//!
//! The whole schema, against which operations are validated, is the router's.

use crate::GatewayError;
use hive_router::graphql_tools::static_graphql::schema::{
    Definition, Document, Field as Defined, Type, TypeDefinition, Value,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How the name of the event ends that says where a stream stands.
pub(super) const HEAD: &str = "StreamHead";
/// How the name of the event ends that says that a stream starts anew.
pub(super) const RESET: &str = "StreamReset";
/// What the name of an event begins with that one viewer alone is told.
pub(super) const VIEWER: &str = "Viewer";

/// The tag of fields that are the same for everybody who may view the stream they come in.
const LIVE: &str = "live";

/// What is known of the supergraph.
#[derive(Debug)]
pub(super) struct Schema {
    /// The root type of subscriptions.
    root: String,
    types: HashMap<String, Composite>,
    /// The numbered fields of the root, each with the name of its head.
    streams: BTreeMap<String, String>,
}

/// An object, an interface or a union.
#[derive(Debug, Default)]
struct Composite {
    fields: BTreeMap<String, Field>,
    /// What it can be when it comes.
    objects: BTreeSet<String>,
    /// Whether it has `seq: Int!`.
    numbered: bool,
}

/// A field of a type.
#[derive(Debug)]
pub(super) struct Field {
    /// The name of its type, lists and nulls apart.
    pub(super) of: String,
    /// Whether it is the same for everybody; of an interface, whether it is on whatever comes.
    pub(super) live: bool,
}

impl Schema {
    /// Reads a supergraph. A field of the subscription root is numbered when it has an argument
    /// `after: Int` and what it gives has `seq: Int!`.
    ///
    /// # Errors
    /// When a numbered stream has no head or reset, or a head that the edge cannot write.
    pub(super) fn of(document: &Document) -> Result<Self, GatewayError> {
        let mut schema = Self {
            root: document.subscription_type_name().cloned().unwrap_or_default(),
            types: HashMap::new(),
            streams: BTreeMap::new(),
        };
        for definition in &document.definitions {
            if let Definition::TypeDefinition(definition) = definition {
                schema.take_in(definition);
            }
        }
        schema.spread_live();
        for definition in &document.definitions {
            match definition {
                Definition::TypeDefinition(TypeDefinition::Object(object)) if object.name == schema.root => {
                    schema.find_streams(&object.fields)?;
                }
                _ => {}
            }
        }
        Ok(schema)
    }

    /// The root type of subscriptions.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// A field of a type; none for `__typename` and what is not there.
    pub(super) fn field(&self, of: &str, name: &str) -> Option<&Field> {
        self.types.get(of)?.fields.get(name)
    }

    /// The type that says where a numbered stream stands, by the root's field; none when that is not
    /// numbered.
    pub(super) fn head_of(&self, stream: &str) -> Option<&str> {
        self.streams.get(stream).map(String::as_str)
    }

    /// Whether a fragment on a type is about an object.
    pub(super) fn applies(&self, condition: &str, object: &str) -> bool {
        let known = self.types.get(condition);
        known.is_some_and(|known| known.objects.contains(object))
    }

    fn take_in(&mut self, definition: &TypeDefinition) {
        match definition {
            TypeDefinition::Object(object) => {
                for interface in &object.implements_interfaces {
                    self.composite(interface).objects.insert(object.name.clone());
                }
                let composite = self.composite(&object.name);
                composite.objects.insert(object.name.clone());
                composite.define(&object.fields);
            }
            TypeDefinition::Interface(interface) => self.composite(&interface.name).define(&interface.fields),
            TypeDefinition::Union(union) => {
                self.composite(&union.name)
                    .objects
                    .extend(union.types.iter().cloned());
            }
            TypeDefinition::Scalar(_) | TypeDefinition::Enum(_) | TypeDefinition::InputObject(_) => {}
        }
    }

    fn composite(&mut self, name: &str) -> &mut Composite {
        self.types.entry(name.to_owned()).or_default()
    }

    /// Composition keeps tags where they were written, which is on objects: an interface's field is live
    /// when it is on each of them.
    fn spread_live(&mut self) {
        let everywhere = |composite: &Composite, field: &str| {
            let live = |object| self.field(object, field).is_some_and(|field| field.live);
            !composite.objects.is_empty() && composite.objects.iter().all(|object| live(object))
        };
        let mut found = Vec::new();
        for (name, composite) in &self.types {
            for (field, _) in composite.fields.iter().filter(|(_, field)| !field.live) {
                if everywhere(composite, field) {
                    found.push((name.clone(), field.clone()));
                }
            }
        }
        for (name, field) in found {
            if let Some(field) = self.composite(&name).fields.get_mut(&field) {
                field.live = true;
            }
        }
    }

    fn find_streams(&mut self, fields: &[Defined]) -> Result<(), GatewayError> {
        let resumes = |field: &&Defined| {
            let mut arguments = field.arguments.iter();
            arguments.any(|argument| argument.name == "after" && is_int(&argument.value_type))
        };
        for field in fields.iter().filter(resumes) {
            let events = self.types.get(named(&field.field_type));
            let Some(events) = events.filter(|events| events.numbered) else {
                continue;
            };
            let head = events.only(HEAD).filter(|head| self.can_write(head));
            let (Some(head), Some(_)) = (head, events.only(RESET)) else {
                let text = format!(
                    "{} is numbered and has not one {HEAD} of seq and at, and one {RESET}",
                    field.name
                );
                return Err(GatewayError::Supergraph(text.into()));
            };
            let head = head.to_owned();
            self.streams.insert(field.name.clone(), head);
        }
        Ok(())
    }

    fn can_write(&self, head: &str) -> bool {
        let known = self.types.get(head);
        known.is_some_and(|known| known.fields.keys().all(|field| field == "seq" || field == "at"))
    }
}

impl Composite {
    fn define(&mut self, fields: &[Defined]) {
        self.numbered = fields
            .iter()
            .any(|field| field.name == "seq" && is_number(&field.field_type));
        let fields = fields.iter().map(|field| {
            let live = field.directives.iter().any(|directive| {
                let mut arguments = directive.arguments.iter();
                directive.name == "tag"
                    && arguments.any(|(_, value)| matches!(value, Value::String(tag) if tag == LIVE))
            });
            let of = named(&field.field_type).to_owned();
            (field.name.clone(), Field { of, live })
        });
        self.fields = fields.collect();
    }

    /// The only one of its objects whose name ends like this.
    fn only(&self, end: &str) -> Option<&str> {
        let mut found = self.objects.iter().filter(|object| object.ends_with(end));
        match (found.next(), found.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

fn named(of: &Type) -> &str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(of) | Type::NonNullType(of) => named(of),
    }
}

fn is_int(of: &Type) -> bool {
    matches!(of, Type::NamedType(name) if name == "Int")
}

fn is_number(of: &Type) -> bool {
    matches!(of, Type::NonNullType(of) if is_int(of))
}

#[cfg(test)]
mod tests;
