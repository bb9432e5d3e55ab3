//! The compiled-in page is the one that `web/` makes.

use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// As `web/build.mjs` does: path, zero, length, zero, bytes of each source, in order of the paths.
#[test]
fn the_page_is_built_from_these_sources() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    let mut sources: Vec<PathBuf> = ["build.mjs", "index.html", "package-lock.json", "package.json"]
        .iter()
        .map(|name| web.join(name))
        .collect();
    gather(&web.join("src"), &mut sources);
    let named = sources.iter().map(|path| {
        (
            path.strip_prefix(&web)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/"),
            path,
        )
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    let mut sum = Sha256::new();
    for (name, path) in named {
        let bytes = fs::read(path).unwrap();
        sum.update(format!("{name}\0{}\0", bytes.len()));
        sum.update(bytes);
    }
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let built = include_str!("../../assets/SOURCES.sha256").trim();
    assert_eq!(
        sum, built,
        "the page is behind its sources: run `npm ci && npm run build` in web/"
    );
}

fn gather(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, sources)
        } else {
            sources.push(path)
        }
    }
}

#[test]
fn nothing_is_imported_from_elsewhere() {
    let css = include_str!("../../assets/graphiql.css");
    assert!(!css.contains("@import") && !css.contains("url(http") && !css.contains("url(//"));
    let script = include_str!("../../assets/graphiql.js");
    assert!(!script.contains("import(\"http") && !script.contains("from\"http"));
}
