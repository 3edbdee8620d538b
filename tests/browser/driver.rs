//! A browser that a test drives: headless Chromium behind chromedriver, spoken to as WebDriver says.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::Reply;

/// Longest wait for something to show.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to do when there is no browser.
const NEEDS: &str = "this test needs Chromium and its driver: `apt-get install chromium chromium-driver`";

/// Nothing of a user's, nothing in the background, nothing that speaks to the network by itself.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
];

/// Keys as WebDriver names them.
pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const ESCAPE: char = '\u{e00c}';
pub const DOWN: char = '\u{e015}';

/// A window of its own.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{NEEDS}: {error}"));
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let words = "started successfully on port ";
        let port = lines.find_map(|line| {
            line.split_once(words).and_then(|(_, port)| port.trim_end_matches('.').parse().ok())
        });
        std::thread::spawn(move || lines.for_each(drop)); // whatever else it says must not wait for a reader
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("a port of chromedriver")));
        let profile = tempfile::tempdir().expect("a folder");
        let own =
            [format!("--user-data-dir={}", profile.path().display()), "--window-size=1200,860".to_owned()];
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain(own.iter().map(String::as_str)).collect();
        let mut options = json!({"args": arguments});
        if let Some(binary) = chromium() {
            options["binary"] = json!(binary);
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        let session = browser.ask("POST", "/session", &wanted);
        browser.session =
            session["sessionId"].as_str().unwrap_or_else(|| panic!("{NEEDS}: {session}")).to_owned();
        browser
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let reply = asked(self.address, &format!("{head}{body}"));
        let value = reply.json()["value"].take();
        assert_eq!(reply.status, 200, "{method} {path}: {value}");
        value
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}{path}", self.session), body)
    }

    /// Opens a page.
    pub fn open(&self, address: &str) {
        self.post("/url", &json!({"url": address}));
    }

    /// What a script of the page's world returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true of the page, and gives it.
    pub fn until(&self, expression: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.run(&format!("return {expression}"));
            let is_true =
                !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) && value != json!("");
            if is_true {
                return value;
            }
            assert!(
                Instant::now() < until,
                "never: {expression}\n{}",
                self.run("return document.body.innerText")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &[char]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Types a text into a field in place of what is there.
    pub fn type_into(&self, id: &str, text: &str) {
        self.run(&format!("const field = document.getElementById('{id}'); field.focus(); field.select()"));
        self.press(
            &text.chars().map(|letter| if letter == '\n' { ENTER } else { letter }).collect::<Vec<_>>(),
        );
    }

    /// Chooses what a select shows under that text.
    pub fn choose(&self, id: &str, text: &str) {
        self.run(&format!(
            "const field = document.getElementById('{id}');
             field.selectedIndex = [...field.options].findIndex((option) => option.text === '{text}');
             field.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        ));
    }

    /// Says that the user likes it dark, or light.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.post("/goog/cdp/execute", &command);
    }

    /// What the page's console has said so far: errors, and everything that its policy forbids.
    pub fn complaints(&self) -> Vec<Value> {
        let said = self.post("/se/log", &json!({"type": "browser"}));
        said.as_array().expect("a list").clone()
    }

    /// What is seen, as PNG in base64.
    pub fn picture(&self) -> String {
        let path = format!("/session/{}/screenshot", self.session);
        self.ask("GET", &path, &Value::Null).as_str().expect("a picture").to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        self.driver.kill().ok(); // its browser ends with it
        self.driver.wait().ok();
    }
}

/// Where distributions put it; where none is found, chromedriver knows better.
fn chromium() -> Option<&'static str> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
}

/// Sends a request and reads a reply to the end that its head tells: the browser inherits the driver's connections, and
/// keeps them open.
fn asked(address: SocketAddr, request: &str) -> Reply {
    let mut socket = tests::client::connect(address);
    socket.write_all(request.as_bytes()).unwrap();
    let mut raw = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while !is_whole(&raw) {
        match socket.read(&mut buffer).expect("the driver answers") {
            0 => break,
            length => raw.extend_from_slice(&buffer[..length]),
        }
    }
    tests::client::read_reply(raw)
}

fn is_whole(raw: &[u8]) -> bool {
    let Some(head) = raw.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let lines = String::from_utf8_lossy(&raw[..head]).to_lowercase();
    let length =
        lines.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| raw.len() >= head + 4 + length)
}
