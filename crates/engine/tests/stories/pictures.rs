//! Pictures of groups: fetched only when asked for, and never from a private network.

use conclave_engine::{GroupId, MetadataChange};
use tokio::net::TcpListener;

use crate::actor::{Actor, Town, group};

/// Eri, whom Alix let change everything, names another picture; Alix then asks for it.
async fn asks(alix: &Actor, eri: &Actor, id: &GroupId, url: &str) -> &'static str {
    let change = MetadataChange {
        image_url: Some(url.to_owned()),
        ..MetadataChange::default()
    };
    eri.client().update_metadata(id, change).await.unwrap();
    alix.sync().await;
    let picture = alix.client().group_picture(id).await;
    picture.unwrap_err().code()
}

#[tokio::test]
async fn eri_cannot_lead_alix_into_her_own_network_with_a_picture() {
    let town = Town::new().await;
    let (alix, eri) = (town.person("alix").await, town.person("eri").await);
    let new = group(&[eri.address()], "Pictures");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    eri.sync().await;

    let router = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = router.local_addr().unwrap().port();
    assert_eq!(asks(&alix, &eri, &id, "").await, "image_refused");
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:7f00:1]:{port}/"),
        "file:///etc/passwd".to_owned(),
        "not a URL".to_owned(),
    ] {
        assert_eq!(asks(&alix, &eri, &id, &url).await, "url_refused", "{url}");
    }
    // Nobody knocked.
    let knock = std::future::poll_fn(|context| {
        std::task::Poll::Ready(router.poll_accept(context).is_ready())
    });
    assert!(!knock.await);
}
