//! What every subgraph's SDL must keep to.

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{
            ConstDirective, FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind,
            TypeSystemDefinition,
        },
    },
};

/// What federation adds is described by its specification.
const FEDERATION: &[&str] = &["_Any", "_Entity", "_Service", "_entities", "_service"];

/// Fails when a type, field, argument, enum value or input field has no description, and names all
/// that have none. The id of another subgraph's object is described where the object is.
pub fn assert_described(sdl: &str) {
    let missing = undescribed(sdl);
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

fn undescribed(sdl: &str) -> Vec<String> {
    let mut found = Vec::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        match definition {
            TypeSystemDefinition::Type(definition) => of_type(&definition.node, &mut found),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => {}
        }
    }
    found
}

fn of_type(definition: &TypeDefinition, found: &mut Vec<String>) {
    let name = definition.name.node.as_str();
    if FEDERATION.contains(&name) {
        return;
    }
    let root = matches!(name, "Query" | "Mutation" | "Subscription");
    let foreign = definition.directives.iter().any(is_foreign_key);
    if !root && !foreign && !definition.extend && !is_connection(definition) {
        note(definition.description.as_ref(), name.to_owned(), found);
    }
    match &definition.kind {
        TypeKind::Object(object) => of_fields(name, &object.fields, foreign, found),
        TypeKind::Interface(interface) => of_fields(name, &interface.fields, false, found),
        TypeKind::InputObject(input) => of_inputs(name, &input.fields, found),
        TypeKind::Enum(values) => {
            for value in &values.values {
                let path = format!("{name}.{}", value.node.value.node);
                note(value.node.description.as_ref(), path, found);
            }
        }
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
}

fn of_fields(of: &str, fields: &[Positioned<FieldDefinition>], foreign: bool, found: &mut Vec<String>) {
    for field in fields {
        let field = &field.node;
        let name = field.name.node.as_str();
        if FEDERATION.contains(&name) {
            continue;
        }
        let path = format!("{of}.{name}");
        let external = field
            .directives
            .iter()
            .any(|directive| directive.node.name.node == "external");
        let described_elsewhere = external || (foreign && name == "id");
        if !described_elsewhere {
            note(field.description.as_ref(), path.clone(), found);
        }
        of_inputs(&path, &field.arguments, found);
    }
}

fn of_inputs(of: &str, inputs: &[Positioned<InputValueDefinition>], found: &mut Vec<String>) {
    for input in inputs {
        note(
            input.node.description.as_ref(),
            format!("{of}({})", input.node.name.node),
            found,
        );
    }
}

fn note(description: Option<&Positioned<String>>, path: String, found: &mut Vec<String>) {
    if description.is_none_or(|text| text.node.trim().is_empty()) {
        found.push(path);
    }
}

/// A page of a list: the GraphQL library makes the type and leaves no place for its description.
fn is_connection(definition: &TypeDefinition) -> bool {
    let TypeKind::Object(object) = &definition.kind else {
        return false;
    };
    definition.name.node.ends_with("Connection")
        && object
            .fields
            .iter()
            .any(|field| field.node.name.node == "pageInfo")
}

/// `@key(…, resolvable: false)`: another subgraph's object.
fn is_foreign_key(directive: &Positioned<ConstDirective>) -> bool {
    let directive = &directive.node;
    let resolvable = directive
        .get_argument("resolvable")
        .map(|value| value.node.to_string());
    directive.name.node == "key" && resolvable.as_deref() == Some("false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_description_is_named() {
        let sdl = r#"
            "A thing." type Thing { "Its id." id: ID! bare(argument: Int): Int }
            type User @key(fields: "id", resolvable: false) { id: ID! mine: Int }
            enum Kind { "One." ONE TWO }
            "An input." input Give { field: Int }
            type Query { "Things." things("How many." first: Int): [Thing] _service: _Service }
            type _Service { sdl: String }
        "#;
        assert_eq!(
            undescribed(sdl),
            [
                "Thing.bare",
                "Thing.bare(argument)",
                "User.mine",
                "Kind",
                "Kind.TWO",
                "Give(field)"
            ]
        );
    }
}
