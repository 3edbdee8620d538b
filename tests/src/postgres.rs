//! A real PostgreSQL server in a folder of its own, gone with its test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, Row};

use crate::RUNTIME;
use crate::tls::Issued;

/// The password of its one user; it must show nowhere.
pub const PASSWORD: &str = "pg_canary_4Xw9";

/// Longest wait for it to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server.
pub struct Postgres {
    port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl Default for Postgres {
    fn default() -> Self {
        let mut made = Self::stopped();
        made.start();
        made
    }
}

impl Postgres {
    /// A server that is not started yet.
    pub fn stopped() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        give(folder.path());
        let mut initdb = unprivileged("initdb");
        initdb.args(["--auth=scram-sha-256", "--username=kt", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pwfile").arg(folder.path().join("password")).arg("-D").arg(folder.path().join("data"));
        let made = initdb.current_dir(folder.path()).output().expect("`initdb` runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { port, folder, server: None }
    }

    /// One that shows that certificate.
    pub fn with_tls(issued: &Issued) -> Self {
        let mut made = Self::stopped();
        let data = made.folder.path().join("data");
        for (name, text) in [("server.crt", &issued.cert), ("server.key", &issued.key)] {
            std::fs::write(data.join(name), text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(data.join(name), mode).unwrap();
            give(&data.join(name));
        }
        let hba = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), hba).unwrap();
        made.start_with(&["-c", "ssl=on"]);
        made
    }

    /// Starts it, and waits until it takes connections.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    fn start_with(&mut self, settings: &[&str]) {
        let mut server = unprivileged("postgres");
        server.arg("-D").arg(self.folder.path().join("data")).arg("-k").arg(self.folder.path());
        server.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-F"]).args(settings);
        server
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.server = Some(server.spawn().expect("`postgres` starts"));
        let until = Instant::now() + PATIENCE;
        while !self.takes_connections() {
            assert!(Instant::now() < until, "`postgres` does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A server that speaks TLS alone says no to this, and says it in its own words.
    fn takes_connections(&self) -> bool {
        match RUNTIME.block_on(tokio_postgres::connect(&self.url("postgres"), NoTls)) {
            Ok(_) => true,
            Err(error) => error.as_db_error().is_some_and(|error| error.code().code() == "28000"),
        }
    }

    /// Ends it at once, as a machine that loses its power.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // SIGQUIT: its children end with it.
        let pid = server.id().to_string();
        Command::new("kill").args(["-QUIT", &pid]).status().ok();
        server.wait().ok();
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://kt:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// A `url:` of a configuration that leads to it, by a file in its folder.
    pub fn url_ref(&self, options: &str) -> String {
        let path = self.folder.path().join("url");
        std::fs::write(&path, format!("{}{options}\n", self.url("postgres"))).unwrap();
        format!("{{file: \"{}\"}}", path.display())
    }

    /// A connection.
    pub fn connect(&self) -> Client {
        RUNTIME.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url("postgres"), NoTls).await.expect("a connection");
            tokio::spawn(connection);
            client
        })
    }

    /// The rows that a query gives; none where there is no such table yet.
    pub fn rows(&self, query: &str) -> Vec<Row> {
        let client = self.connect();
        match RUNTIME.block_on(client.query(query, &[])) {
            Ok(rows) => rows,
            Err(error) if error.as_db_error().is_some_and(|error| error.code().code() == "42P01") => {
                Vec::new()
            }
            Err(error) => panic!("{query}: {error:?}"),
        }
    }

    /// Does something.
    pub fn execute(&self, statements: &str) {
        let client = self.connect();
        RUNTIME.block_on(client.batch_execute(statements)).expect("statements that work");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of PostgreSQL, as a user who is not root: the server refuses to run as that.
fn unprivileged(program: &str) -> Command {
    let program = find(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("`id` runs");
    id.stdout.trim_ascii() == b"0"
}

/// Gives a folder and what is in it to that user.
fn give(path: &Path) {
    if is_root() {
        let given = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(path).status();
        assert!(given.expect("`chown` runs").success());
    }
}

/// Where a program is: in the path, or where Debian puts it.
fn find(program: &str) -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.chain(std::env::split_paths(&path).collect::<Vec<_>>());
    let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("`{program}` is missing: install PostgreSQL, such as `apt-get install postgresql`")
    })
}
