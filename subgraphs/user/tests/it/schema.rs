//! The schema as a document.

#[test]
fn everything_is_described() {
    commons_testing::assert_described(&commons_user::sdl());
}

/// `COMMONS_WRITE_SCHEMA=1` writes it instead; composing is `schema/`'s own step.
#[test]
fn the_committed_schema_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/user.graphql");
    let sdl = commons_user::sdl();
    if std::env::var_os("COMMONS_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &sdl).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), sdl);
}
