//! Where the gateway listens: at addresses of its own, or at sockets that a service manager opened for it.

use std::io;

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::error::Error;

/// How a socket that was handed over is asked for.
const HANDED: &str = "fd://";

/// What is listened to.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) public: Vec<TcpListener>,
    pub(super) admin: Option<TcpListener>,
}

impl Listeners {
    /// Listens on all addresses.
    pub(super) async fn open(public: &[String], admin: Option<&str>) -> Result<Self, Error> {
        let asks = public.iter().map(String::as_str).chain(admin).any(|address| address.starts_with(HANDED));
        let mut handed = if asks { Handed::from_manager() } else { Handed::default() };
        let mut listeners = Self { public: Vec::new(), admin: None };
        for address in public {
            listeners.public.push(listen(address, "--listen", &mut handed).await?);
        }
        if let Some(address) = admin {
            listeners.admin = Some(listen(address, "--admin-listen", &mut handed).await?);
        }
        for name in handed.left() {
            tracing::warn!(
                "the service manager handed over the socket `{name}`, and no `{HANDED}{name}` asks for it"
            );
        }
        Ok(listeners)
    }
}

async fn listen(address: &str, flag: &str, handed: &mut Handed) -> Result<TcpListener, Error> {
    match address.strip_prefix(HANDED) {
        Some(name) => handed.take(name, flag),
        None => TcpListener::bind(address).await.map_err(|error| Error::listen(address, flag, &error)),
    }
}

/// Sockets of a service manager, by the protocol of `sd_listen_fds(3)`.
#[derive(Default)]
struct Handed {
    sockets: Option<ListenFd>,
    /// Their names, in their order; nothing where one was taken.
    names: Vec<Option<String>>,
}

impl Handed {
    fn from_manager() -> Self {
        let named = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = ListenFd::from_env();
        let mut named = named.split(':').filter(|name| !name.is_empty());
        let names =
            (0..sockets.len()).map(|at| Some(named.next().map_or_else(|| at.to_string(), str::to_owned)));
        Self { names: names.collect(), sockets: Some(sockets) }
    }

    /// The next socket of that name.
    fn take(&mut self, name: &str, flag: &str) -> Result<TcpListener, Error> {
        let at = self.names.iter().position(|own| own.as_deref() == Some(name));
        let taken = at.zip(self.sockets.as_mut()).map(|(at, sockets)| (at, sockets.take_tcp_listener(at)));
        match taken {
            Some((at, Ok(Some(socket)))) => {
                if let Some(name) = self.names.get_mut(at) {
                    *name = None;
                }
                adopted(socket).map_err(|error| Error::listen(&format!("{HANDED}{name}"), flag, &error))
            }
            Some((_, Err(error))) => Err(Error::listen(&format!("{HANDED}{name}"), flag, &error)),
            Some((_, Ok(None))) | None => Err(Error::new(format!(
                "the service manager handed over no socket `{name}`, only {}; name it with `FileDescriptorName={name}` in the socket unit, or give `{flag}` an address",
                self.told()
            ))),
        }
    }

    fn left(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flatten().map(String::as_str)
    }

    fn told(&self) -> String {
        let left: Vec<_> = self.left().map(|name| format!("`{name}`")).collect();
        if left.is_empty() { "none".to_owned() } else { left.join(", ") }
    }
}

fn adopted(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}
