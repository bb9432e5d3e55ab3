//! The schema as its users read it.

use serde_json::{Value, json};

use crate::house::House;
use commons_testing::Client;

const INTROSPECTION: &str = "{ __schema { types { name kind description
    fields { name description args { name description } } inputFields { name description } enumValues { name description }
} } }";

#[tokio::test]
async fn everything_is_described() {
    let house = House::new().await;
    let schema = Client::anonymous(&house.subgraph)
        .data(INTROSPECTION, json!({}))
        .await;
    let mut missing = Vec::new();
    let lacks = |thing: &Value| thing["description"].as_str().is_none_or(str::is_empty);
    let list = |thing: &Value, key: &str| thing[key].as_array().cloned().unwrap_or_default();
    for ty in schema["__schema"]["types"].as_array().unwrap() {
        let name = ty["name"].as_str().unwrap();
        // The language's own, federation's, and the library's connections.
        if name.starts_with('_') || ["String", "Int", "Boolean", "ID", "Float", "PageInfo"].contains(&name) {
            continue;
        }
        if lacks(ty) && !name.ends_with("Connection") {
            missing.push(name.to_owned());
        }
        for key in ["fields", "inputFields", "enumValues"] {
            for thing in list(ty, key) {
                let path = format!("{name}.{}", thing["name"].as_str().unwrap());
                if lacks(&thing) && !path.starts_with("Query._") {
                    missing.push(path.clone());
                }
                for argument in list(&thing, "args") {
                    if lacks(&argument) && !path.starts_with("Query._") {
                        missing.push(format!("{path}({})", argument["name"].as_str().unwrap()));
                    }
                }
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_sdl_is_a_federated_one() {
    let sdl = commons_channel::sdl();
    for part in [
        "type Guild implements Node @key(fields: \"id\")",
        "type Channel implements Node @key(fields: \"id\")",
        "type User @key(fields: \"id\", resolvable: false)",
        "interface GuildEvent",
        "type Subscription",
        "@tag(name: \"live\")",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
}
