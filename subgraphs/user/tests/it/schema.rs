//! The schema as a document.

#[test]
fn everything_is_described() {
    commons_testing::assert_described(&commons_user::sdl());
}
