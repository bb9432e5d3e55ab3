//! The committed gRPC code is what the committed description compiles to; no `protoc` is needed.
//!
//! `UPDATE_RPC=1 cargo test -p commons-access generated` writes it anew.

use std::{fs, path::Path};

const HEAD: &str = "//! Made from `proto/access.proto`; do not edit.\n\
                    //!\n\
                    //! `UPDATE_RPC=1 cargo test -p commons-access generated` makes it anew.\n\n";

#[test]
fn the_generated_code_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let described = protox::compile(["access.proto"], [here.join("proto")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(folder.path())
        .compile_fds(described)
        .unwrap();
    let made = fs::read_to_string(folder.path().join("commons.access.v1.rs")).unwrap();
    let made = format!("{HEAD}{made}");
    let committed = here.join("src/rpc/generated.rs");
    if std::env::var_os("UPDATE_RPC").is_some() {
        fs::write(&committed, &made).unwrap();
    }
    let current = fs::read_to_string(&committed).unwrap_or_default() == made;
    assert!(
        current,
        "run `UPDATE_RPC=1 cargo test -p commons-access generated`, and commit it"
    );
}
