use crate::world::World;
#[tokio::test(flavor = "multi_thread")]
async fn hold() {
    let world = World::start().await;
    std::fs::write("/tmp/gw_hold", format!("{}\n{}\n", world.address, world.alice)).unwrap();
    let state = world.state.clone();
    while std::path::Path::new("/tmp/gw_hold").exists() {
        let _ = state.posts.send(crate::subgraphs::message_id(3));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}
