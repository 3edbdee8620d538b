//! Providers behind a proxy: what it is asked for, what it sees, and who is spoken to without it.

use std::sync::{Arc, Mutex};

use tests::tls::{Authority, front};
use tests::{KEY, Provider, Script, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that opens connections for whoever shows `ann:SESAME`, and remembers the heads of all requests and every
/// byte that went through.
struct Proxy {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    through: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// All connections lead to that address, whatever name was asked for.
    fn to(address: std::net::SocketAddr) -> Self {
        let (seen, through) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let listener = tests::RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heads, bytes) = (Arc::clone(&seen), Arc::clone(&through));
        tests::RUNTIME.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(pass(socket, address, Arc::clone(&heads), Arc::clone(&bytes)));
            }
        });
        Self { url, seen, through }
    }

    fn heads(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn pass(
    mut client: TcpStream,
    address: std::net::SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    through: Arc<Mutex<Vec<u8>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let knows = head.to_lowercase().contains("proxy-authorization: basic yw5uolnfu0fnrq==");
    heads.lock().unwrap().push(head);
    if !knows {
        client.write_all(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n").await.ok();
        return;
    }
    client.write_all(b"HTTP/1.1 200 There you are\r\n\r\n").await.unwrap();
    let mut server = TcpStream::connect(address).await.unwrap();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let out = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            through.lock().unwrap().extend(&buffer[..length]);
            to_server.write_all(&buffer[..length]).await.ok();
        }
    };
    tokio::select! {
        () = out => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

#[test]
fn a_proxy_opens_the_connection_and_sees_nothing_of_what_is_said() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let [ca, password] = ["ca.pem", "password"].map(|name| folder.path().join(name));
    std::fs::write(&ca, &authority.pem).unwrap();
    std::fs::write(&password, "ann:SESAME\n").unwrap();
    let provider = Provider::always(Script::answer("ok"));
    let secured = front(provider.address, authority.issue("provider.example").server(None, &["http/1.1"]));
    let proxy = Proxy::to(secured);
    let line = format!(
        "proxy: {{url: \"{}\", secret_key_ref: {{file: {}}}, no_proxy: [10.0.0.0/8]}}",
        proxy.url,
        password.display()
    );
    let fields = format!("secret_key_ref: {{file: KEY}}, tls: {{ca: {}}}", ca.display());
    let setup = Setup::new().providers(&line).target_at("a", "https://provider.example/v1", &fields);
    let gateway = setup.here();
    for _ in 0..2 {
        let reply = gateway.ask("tell nobody");
        assert_eq!((reply.status, reply.said().as_str()), (200, "ok"), "{}", reply.body);
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), provider.connections(), "no connection goes past it");
    assert!(heads[0].starts_with("CONNECT provider.example:443 HTTP/1.1\r\n"), "{}", heads[0]);
    let through = String::from_utf8_lossy(&proxy.through.lock().unwrap()).into_owned();
    assert!(
        !through.contains("tell nobody") && !through.contains(KEY) && through.contains("provider.example")
    );
    assert_eq!(provider.last().header("proxy-authorization"), None);
    let shown = gateway.admin("/keeptrusts/config").body;
    assert!(!shown.contains("SESAME"), "{shown}");
}

#[test]
fn a_proxy_that_refuses_is_a_failed_connection_and_the_next_target_is_asked() {
    let (far, near) = (Provider::always(Script::answer("far")), Provider::always(Script::answer("near")));
    let proxy = Proxy::to(far.address);
    let own = format!("allow_insecure: true, proxy: {{url: \"{}\"}}", proxy.url);
    let setup = Setup::new().target_at("a", "http://far.example/v1", &own).target("b", &near, "");
    let gateway = setup.here();
    assert_eq!(gateway.ask("hi").said(), "near");
    assert_eq!((proxy.heads().is_empty(), far.seen().len()), (false, 0));
    let records = gateway.stop();
    assert_eq!(records[0]["target"], "b");
}

#[test]
fn hosts_that_are_named_are_spoken_to_without_it() {
    let provider = Provider::always(Script::answer("ok"));
    let proxy = Proxy::to(provider.address);
    for except in ["127.0.0.1", "127.0.0.0/8"] {
        let line = format!("proxy: {{url: \"{}\", no_proxy: [example.com, {except}]}}", proxy.url);
        let gateway = Setup::new().providers(&line).target("a", &provider, "").here();
        assert_eq!(gateway.ask("hi").said(), "ok");
    }
    assert_eq!(proxy.heads(), [""; 0]);
}
