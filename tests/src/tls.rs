//! Certificates that are made in the test, clients that check them, and providers behind them.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::client::{Reply, connect, read_reply, request};
use crate::{RUNTIME, question_of, whole};

/// Whoever signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
}

/// A certificate and its key, as PEM.
pub struct Issued {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }
}

impl Authority {
    /// A certificate for a host.
    pub fn issue(&self, name: &str) -> Issued {
        self.issue_with(name, |_| {})
    }

    /// The same with something else about it.
    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        // Its own name, and not that of who signs it: some programs would take it to be signed by itself.
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { cert, key: key.serialize_pem() }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        roots
    }

    /// A client that trusts this authority alone, and shows a certificate if it has one.
    pub fn client(&self, shown: Option<&Issued>, protocols: &[&str]) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(self.roots());
        let mut config = match shown {
            Some(issued) => builder.with_client_auth_cert(issued.chain(), issued.private()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

impl Issued {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap()]
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }

    /// Writes both into a folder; gives the paths of the certificate and the key.
    pub fn write(&self, folder: &Path, name: &str) -> [PathBuf; 2] {
        let paths = ["cert", "key"].map(|what| folder.join(format!("{name}-{what}.pem")));
        std::fs::write(&paths[0], &self.cert).unwrap();
        std::fs::write(&paths[1], &self.key).unwrap();
        paths
    }

    /// A server with this certificate that lets in whom `clients` has signed, or everybody.
    pub fn server(&self, clients: Option<&Authority>, protocols: &[&str]) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let (roots, provider) = (Arc::new(authority.roots()), Arc::new(default_provider()));
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(self.chain(), self.private()).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn loopback() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").unwrap()
}

/// A secure connection for a plain thread.
pub fn secured_here(
    address: SocketAddr,
    client: Arc<ClientConfig>,
) -> rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream> {
    let session = rustls::ClientConnection::new(client, loopback()).unwrap();
    rustls::StreamOwned::new(session, connect(address))
}

/// A secure connection over which both sides speak HTTP/2.
pub async fn secured(address: SocketAddr, client: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(client).connect(loopback(), socket).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    stream
}

/// Asks a question over TLS in HTTP/1.1.
pub fn ask(address: SocketAddr, client: Arc<ClientConfig>, question: &str) -> io::Result<Reply> {
    let body = question_of(question, false).to_string();
    let mut stream = secured_here(address, client);
    stream.write_all((request("/v1/chat/completions", "", body.len()) + &*body).as_bytes())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(read_reply(raw))
}

/// A connection over which requests go in HTTP/2.
pub struct Http2(SendRequest<Full<Bytes>>, SocketAddr);

impl Http2 {
    /// Connects; both sides must agree on HTTP/2.
    pub fn connect(address: SocketAddr, client: Arc<ClientConfig>) -> Self {
        let sender = RUNTIME.block_on(async {
            let stream = secured(address, client).await;
            let (sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            sender
        });
        Self(sender, address)
    }

    /// Begins to ask.
    pub async fn begin(&self, question: &str, stream: bool) -> hyper::Result<Response<Incoming>> {
        let mut sender = self.0.clone();
        let body = Full::new(Bytes::from(question_of(question, stream).to_string()));
        let request = Request::post(format!("https://{}/v1/chat/completions", self.1));
        let request = request.header("content-type", "application/json").body(body).unwrap();
        sender.ready().await?;
        sender.send_request(request).await
    }

    /// Asks those questions at once; gives the status and the body of each.
    pub fn ask(&self, questions: &[&str], stream: bool) -> Vec<(u16, String)> {
        RUNTIME.block_on(async {
            let mut begun = Vec::new();
            for question in questions {
                begun.push(self.begin(question, stream).await.unwrap());
            }
            let mut all = Vec::new();
            for reply in begun {
                let status = reply.status().as_u16();
                let body = reply.into_body().collect().await.unwrap().to_bytes();
                all.push((status, String::from_utf8(body.to_vec()).unwrap()));
            }
            all
        })
    }

    /// Asks for a stream, waits for its first bytes, and goes away.
    pub fn leave_in_a_stream(&self, question: &str) {
        RUNTIME.block_on(async {
            let mut reply = self.begin(question, true).await.unwrap();
            reply.body_mut().frame().await.unwrap().unwrap();
        });
    }
}

/// Puts TLS before a server; gives the address.
pub fn front(to: SocketAddr, server: Arc<ServerConfig>) -> SocketAddr {
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    RUNTIME.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(Arc::clone(&server));
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(socket).await else { return };
                let mut inner = TcpStream::connect(to).await.unwrap();
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await.ok();
            });
        }
    });
    address
}

/// To this question [`Provider2`] streams more than anybody keeps for a client.
pub const FLOOD: &str = "a flood";

/// A provider that speaks HTTP/2 over TLS, says `hello`, and remembers.
pub struct Provider2 {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Version>>>,
    connections: Arc<AtomicUsize>,
}

impl Provider2 {
    /// Listens with that certificate.
    pub fn start(issued: &Issued) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let acceptor = TlsAcceptor::from(issued.server(None, &["h2", "http/1.1"]));
        let (noted, counted) = (Arc::clone(&seen), Arc::clone(&connections));
        RUNTIME.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let stream = acceptor.accept(socket).await.unwrap();
                let noted = Arc::clone(&noted);
                let service =
                    service_fn(move |request: Request<Incoming>| answer(request, Arc::clone(&noted)));
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::spawn(
                    async move { builder.serve_connection(TokioIo::new(stream), service).await.ok() },
                );
            }
        });
        Self { address, seen, connections }
    }

    /// In which version each request came.
    pub fn seen(&self) -> Vec<Version> {
        self.seen.lock().unwrap().clone()
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Version>>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    seen.lock().unwrap().push(request.version());
    let asked = request.into_body().collect().await?.to_bytes();
    let asked: serde_json::Value = serde_json::from_slice(&asked).expect("JSON");
    let (kind, body) = match asked["stream"].as_bool() {
        Some(true) if asked["messages"][0]["content"] == FLOOD => {
            ("text/event-stream", crate::events(vec!["word ".repeat(200); 8000]))
        }
        Some(true) => ("text/event-stream", crate::events(["hel", "lo"])),
        Some(false) | None => ("application/json", whole("hello").to_string()),
    };
    Ok(Response::builder().header("content-type", kind).body(Full::new(Bytes::from(body))).unwrap())
}
