//! The arrows of the house, read from `cargo metadata`: who may depend on whom.
//!
//! And the one arrow that cargo does not see: which modules of `entities` a crate names.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const PREFIX: &str = "commons-";

/// Importer → imported, without the prefix; the root is `commons`.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "commons",
        &[
            "access",
            "channel",
            "gateway",
            "jobs",
            "message",
            "migrations",
            "platform",
            "streams",
            "user",
        ],
    ),
    ("user", &["access", "content", "entities", "jobs", "platform"]),
    (
        "channel",
        &["access", "content", "entities", "jobs", "platform", "streams"],
    ),
    (
        "message",
        &["access", "content", "entities", "jobs", "platform", "streams"],
    ),
    ("gateway", &["access", "entities", "platform"]),
    ("access", &["entities", "platform"]),
    ("streams", &["entities", "platform"]),
    ("jobs", &["entities", "platform"]),
    (
        "testing",
        &["access", "entities", "migrations", "platform", "streams"],
    ),
    ("content", &[]),
    ("entities", &[]),
    ("migrations", &[]),
    ("platform", &[]),
];

/// Which modules of `entities` a crate may name; typed ids are everybody's.
const ENTITIES: &[(&str, &[&str])] = &[
    ("subgraphs/user", &["user"]),
    ("subgraphs/channel", &["channel"]),
    ("subgraphs/message", &["message", "channel::ChannelKind"]),
    ("streams", &["stream"]),
    ("jobs", &["job"]),
    ("access", &["access", "channel"]),
];

const MODULES: &[&str] = &["access", "channel", "job", "message", "stream", "user"];

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let arrows: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let from = package.name.strip_prefix(PREFIX).unwrap_or(&package.name);
        let allowed = arrows
            .get(from)
            .unwrap_or_else(|| panic!("{from} has no arrows: add it to this test"));
        for dependency in &package.dependencies {
            let Some(to) = dependency.name.strip_prefix(PREFIX) else {
                continue;
            };
            let for_tests = dependency.kind == DependencyKind::Development;
            let ok = if for_tests {
                to == "testing" || allowed.contains(to)
            } else {
                allowed.contains(to)
            };
            if !ok {
                wrong.push(format!("{from} → {to} ({:?})", dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows are not in the house: {wrong:#?}");
    assert_eq!(
        metadata.packages.len(),
        ARROWS.len(),
        "an arrow names a crate that is not there"
    );
}

#[test]
fn only_the_gateway_names_the_router() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for package in &metadata.packages {
        let has_router = package
            .dependencies
            .iter()
            .any(|dependency| dependency.name == "hive-router");
        assert_eq!(
            has_router,
            package.name.as_str() == "commons-gateway",
            "{}",
            package.name
        );
    }
}

#[test]
fn a_domain_names_only_its_own_rows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (folder, allowed) in ENTITIES {
        for file in rust_files(&root.join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for named in entity_paths(&text) {
                let module = MODULES.iter().find(|module| {
                    named
                        .strip_prefix(**module)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                });
                let is_own = allowed.iter().any(|own| {
                    named
                        .strip_prefix(own)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                });
                if module.is_some() && !is_own {
                    wrong.push(format!("{} names entities::{named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Everything that a file names of `commons_entities`, as paths below it.
fn entity_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in text.match_indices("commons_entities::") {
        expand("", &text[at + "commons_entities::".len()..], &mut paths);
    }
    paths
}

/// Reads one use tree and adds its leaves; gives what is behind it.
fn expand<'t>(prefix: &str, text: &'t str, paths: &mut Vec<String>) -> &'t str {
    let mut rest = text.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            rest = expand(prefix, rest, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                Some(more) => return more.trim_start().strip_prefix('}').unwrap_or(more),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let path = if prefix.is_empty() {
        rest[..end].to_owned()
    } else {
        format!("{prefix}::{}", &rest[..end])
    };
    rest = &rest[end..];
    match rest.strip_prefix("::") {
        Some(deeper) => expand(&path, deeper, paths),
        None => {
            paths.push(path);
            let renamed = rest.trim_start().strip_prefix("as ").map(str::trim_start);
            renamed.map_or(rest, |name| {
                let end = name
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(name.len());
                &name[end..]
            })
        }
    }
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a room has a folder of sources") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn use_trees_are_read_whole() {
    let text = "use commons_entities::{\n UserId,\n user::{UserKind as Kind, session, user},\n};\nlet x = commons_entities::message::reaction::Model";
    assert_eq!(
        entity_paths(text),
        [
            "UserId",
            "user::UserKind",
            "user::session",
            "user::user",
            "message::reaction::Model"
        ]
    );
}
