//! The image: what it is built from, which program it holds, and how it says that it is well.

use crate::{compose::compose, file};
use cargo_metadata::{MetadataCommand, TargetKind};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};
use tempfile::TempDir;

/// The lines of the Dockerfile that begin with a word.
fn instructions(word: &str) -> Vec<String> {
    let text = file("Dockerfile").replace("\\\n", " ");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// What the Dockerfile writes to a path.
fn written(path: &str) -> String {
    let text = file("Dockerfile");
    let (_, behind) = text.split_once(&format!("<<'EOT' {path}\n")).unwrap();
    let (content, _) = behind.split_once("\nEOT\n").unwrap();
    content.to_owned()
}

/// How the Dockerfile's healthcheck is called, in this environment.
pub(crate) fn healthy(folder: &Path, environment: &[(&str, String)], arguments: &[&str]) -> bool {
    let script = folder.join("healthy");
    std::fs::write(&script, written("/usr/local/bin/healthy")).unwrap();
    let mut command = Command::new("bash");
    command
        .arg(script)
        .args(arguments)
        .envs(environment.iter().cloned());
    command.output().unwrap().status.success()
}

#[test]
fn each_program_is_one_of_the_workspace() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let targets = metadata.packages.iter().flat_map(|package| &package.targets);
    let binaries: BTreeSet<&str> = targets
        .filter(|target| target.kind.contains(&TargetKind::Bin))
        .map(|target| target.name.as_str())
        .collect();
    let compose = compose();
    let mut built = BTreeSet::new();
    for (name, service) in &compose.services {
        let Some(build) = &service.build else {
            assert!(matches!(name.as_str(), "postgres" | "redis"), "{name}");
            continue;
        };
        assert_eq!(build.context, ".", "{name}");
        assert_eq!(build.args.keys().collect::<Vec<_>>(), ["BIN"], "{name}");
        let binary = build.args["BIN"].as_str();
        assert!(binaries.contains(binary), "{name}: there is no {binary}");
        assert_eq!(service.image, format!("commons/{binary}:local"), "{name}");
        built.insert(binary);
    }
    // `commons` is what an image holds when nobody says which.
    assert_eq!(instructions("ARG"), ["BIN=commons"]);
    assert_eq!(built, binaries, "a program has no container");
}

#[test]
fn everything_it_is_built_from_is_in_the_context() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = file(".dockerignore");
    let kept: BTreeSet<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(ignored.lines().any(|line| line == "*"));
    for path in &kept {
        assert!(
            root.join(path).exists(),
            ".dockerignore keeps {path}, which is not there"
        );
    }
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for package in &metadata.packages {
        for target in &package.targets {
            let path = target.src_path.strip_prefix(&metadata.workspace_root).unwrap();
            let room = path.components().next().unwrap();
            assert!(kept.contains(room.as_str()), "{path} is left out");
        }
    }
    for needed in ["Cargo.toml", "Cargo.lock", "LICENSE", "schema/supergraph.graphql"] {
        assert!(kept.contains(needed), "{needed} is left out");
    }
    // What belongs to a checkout and to nobody else.
    for secret in ["data", ".env", ".git", "target", "web"] {
        assert!(!kept.contains(secret), "{secret} is in the image's context");
    }
    let copied = instructions("COPY");
    let from_context = copied.iter().filter(|line| !line.starts_with("--"));
    assert_eq!(
        from_context.collect::<Vec<_>>(),
        [". .", "LICENSE /usr/share/doc/commons/"]
    );
}

#[test]
fn nobody_in_it_is_root() {
    let [user] = instructions("USER").try_into().unwrap();
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().unwrap()).collect();
    assert!(ids.iter().all(|id| *id > 0), "{user}");
    for (name, service) in &compose().services {
        if service.build.is_some() {
            let data = format!("/data:mode=0700,uid={},gid={}", ids[0], ids[1]);
            assert!(service.tmpfs.contains(&data), "{name}");
        }
    }
}

#[test]
fn the_compiler_is_the_workspaces() {
    let stages = instructions("FROM");
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let rust = metadata.packages[0].rust_version.as_ref().unwrap();
    let builder = format!("rust:{}.{}-slim-bookworm AS build", rust.major, rust.minor);
    assert_eq!(stages, [builder.as_str(), "debian:bookworm-slim"]);
}

/// Answers everything with one status.
fn answering(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            // Shells write line by line.
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            let found = asked.starts_with(b"GET /ready HTTP/1.1\r\n");
            let status = if found { status } else { "404 Not Found" };
            // Whoever asked may have gone.
            let _gone =
                stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes());
        }
    });
    port
}

#[test]
fn the_health_check_tells_well_from_unwell() {
    let folder = TempDir::new().unwrap();
    let at = |name: &'static str, port: u16| [(name, format!("0.0.0.0:{port}"))];
    let (well, unwell) = (answering("200 OK"), answering("503 Service Unavailable"));
    for name in ["COMMONS_SERVICES__LISTEN", "COMMONS_GATEWAY__LISTEN"] {
        assert!(healthy(folder.path(), &at(name, well), &["/ready"]));
        assert!(!healthy(folder.path(), &at(name, well), &["/elsewhere"]));
        assert!(!healthy(folder.path(), &at(name, unwell), &["/ready"]));
    }
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert!(!healthy(
        folder.path(),
        &at("COMMONS_SERVICES__LISTEN", nobody),
        &["/ready"]
    ));
}
