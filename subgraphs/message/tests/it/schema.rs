//! The schema as a manual.

#[test]
fn every_element_is_described() {
    commons_testing::assert_described(&commons_message::sdl());
}

/// Everything that the live edge shares between viewers is marked as the same for all of them.
#[test]
fn what_depends_on_the_viewer_is_not_marked_as_live() {
    let sdl = commons_message::sdl();
    let of_viewer = sdl.lines().filter(|line| line.trim_start().starts_with("viewer"));
    for line in of_viewer {
        assert!(!line.contains("@tag"), "{line}");
    }
    assert!(sdl.contains("@tag(name: \"live\")"));
}
