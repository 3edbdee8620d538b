//! The gateway under a service manager: sockets that it is handed, and what it says of its life.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tests::binary::Process;
use tests::{Provider, Script, Setup, get, post, question_of};

/// Opens two sockets, and becomes the program that follows: what `systemd` does for a service with a socket unit.
const HAND_OVER: &str = r#"
import fcntl, os, socket, sys
names = sys.argv[1].split(":")
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
aside = [fcntl.fcntl(socket.fileno(), fcntl.F_DUPFD_CLOEXEC, 50) for socket in sockets]
for at, socket in enumerate(aside):
    os.dup2(socket, 3 + at, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(names)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"#;

/// The same command, started with sockets of those names.
fn handed(names: &str, command: &Command) -> Command {
    let mut python = Command::new("python3");
    python.args(["-c", HAND_OVER, names]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    python
}

fn manager(folder: &Path) -> UnixDatagram {
    let manager = UnixDatagram::bind(folder.join("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    manager
}

/// The next message that is none of a watchdog.
fn told(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    loop {
        let length = manager.recv(&mut buffer).expect("a message");
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if message.trim() != "WATCHDOG=1" {
            return message;
        }
    }
}

#[test]
fn it_serves_at_sockets_that_it_is_handed() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::over(&provider);
    let (folder, _) = setup.write();
    let command = setup.command(&folder, "fd://public", "fd://admin");
    let run = Process::watch(handed("admin:public:spare", &command).spawn().unwrap(), Arc::new(folder));
    let body = question_of("hi", false).to_string();
    assert_eq!(post(run.address, "/v1/chat/completions", "", body).said(), "ok");
    assert_eq!(get(run.admin, "/health").status, 200);
    let ended = run.stop();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.log.contains("handed over the socket `spare`"), "{}", ended.log);
}

#[test]
fn a_socket_that_nobody_hands_over_is_named() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::over(&provider);
    let (folder, _) = setup.write();
    let said = |command: &mut Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    let alone = said(&mut setup.command(&folder, "fd://public", "127.0.0.1:0"));
    assert!(alone.contains("no socket `public`, only none"), "{alone}");
    let other = said(&mut handed("admin", &setup.command(&folder, "fd://public", "127.0.0.1:0")));
    assert!(
        other.contains("no socket `public`, only `admin`") && other.contains("FileDescriptorName=public"),
        "{other}"
    );
}

#[test]
fn the_manager_is_told_of_every_turn_of_its_life() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::over(&provider);
    let (folder, config) = setup.write();
    let manager = manager(folder.path());
    let mut command = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0");
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "200000");
    let run = Process::watch(command.spawn().unwrap(), Arc::new(folder));
    assert_eq!(told(&manager), "READY=1\nSTATUS=serving\n");
    let mut alive = [0; 64];
    for _ in 0..3 {
        let length = manager.recv(&mut alive).expect("it says that it is alive");
        assert_eq!(&alive[..length], b"WATCHDOG=1\n");
    }
    let reloads = |expected: &str| {
        run.signal("HUP");
        let reloading = told(&manager);
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(told(&manager), format!("READY=1\nSTATUS={expected}\n"));
    };
    reloads("serving");
    std::fs::write(&config, "pack: 3\n").unwrap();
    reloads("serving with the old configuration: the new one is refused, see the log");
    run.signal("TERM");
    assert_eq!(told(&manager), "STOPPING=1\nSTATUS=draining\n");
    assert_eq!(run.wait().status.code(), Some(0));
}
