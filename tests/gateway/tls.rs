//! TLS on both sides: who is shown which certificate, who trusts whom, and HTTP/2 where both sides agree on it.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use hyper::Version;
use tests::tls::{Authority, Http2, Issued, Provider2, ask, front};
use tests::{Provider, Script, Setup, delta, event};

use crate::{record, wait_until};

const HOST: &str = "127.0.0.1";
const ONE: &[&str] = &["http/1.1"];
const TWO: &[&str] = &["h2"];

/// A block that makes a gateway show that certificate.
fn shown(issued: &Issued, folder: &Path, more: &str) -> String {
    let [cert, key] = issued.write(folder, "gateway");
    format!("tls: {{cert: {}, key: {}{more}}}", cert.display(), key.display())
}

#[test]
fn clients_are_served_in_either_version_of_http() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let provider = Provider::always(Script::echo(|seen| {
        let question = seen.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        match seen.json()["stream"].as_bool() {
            Some(true) => Script::deltas(["to ann@exam", "ple.com"]).bytes(),
            _ => Script::answer(&question).bytes(),
        }
    }));
    let block = shown(&authority.issue(HOST), folder.path(), "");
    let gateway = Setup::guarded(&provider).block(&block).here();
    let reply = ask(gateway.address, authority.client(None, ONE), "my SECRET1").unwrap();
    assert_eq!((reply.status, reply.said().as_str()), (200, "my [SECRET]"));
    let http2 = Http2::connect(gateway.address, authority.client(None, TWO));
    let replies = http2.ask(&["one SECRET1", "two", "FORBIDDEN"], false);
    let statuses: Vec<u16> = replies.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 409]);
    assert!(replies[0].1.contains("one [SECRET]") && replies[1].1.contains("two"), "{replies:?}");
    let streams = http2.ask(&["hi", "hi"], true);
    assert!(streams.iter().all(|(_, body)| body.contains("[EMAIL]") && body.ends_with("data: [DONE]\n\n")));
    drop(http2);
    assert_eq!(gateway.admin("/livez").status, 200, "the operator's address stays plain");
    let records = gateway.stop();
    assert_eq!(records.len(), 6);
    record::check(&records[0], "complete", 200);
}

#[test]
fn who_does_not_speak_tls_is_not_served_and_does_not_hold_up_the_end() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let provider = Provider::always(Script::answer("ok"));
    let block = shown(&authority.issue(HOST), folder.path(), "");
    let gateway = Setup::over(&provider).block(&block).here();
    assert!(ask(gateway.address, Authority::default().client(None, ONE), "hi").is_err());
    let mut plain = tests::client::connect(gateway.address);
    std::io::Write::write_all(&mut plain, b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut said = Vec::new();
    std::io::Read::read_to_end(&mut plain, &mut said).ok();
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/1.1"));
    let _silent = tests::client::connect(gateway.address);
    let began = Instant::now();
    assert!(gateway.stop().is_empty() && provider.connections() == 0);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_new_certificate_is_shown_after_a_reload_and_a_bad_one_is_not() {
    let (old, new, folder) = (Authority::default(), Authority::default(), tempfile::tempdir().unwrap());
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::over(&provider).block(&shown(&old.issue(HOST), folder.path(), ""));
    let gateway = setup.block("reload: {watch: true, interval_ms: 50}").here();
    let is_shown = |authority: &Authority| ask(gateway.address, authority.client(None, ONE), "hi").is_ok();
    assert!(is_shown(&old) && !is_shown(&new));
    let kept = Http2::connect(gateway.address, old.client(None, TWO));
    new.issue(HOST).write(folder.path(), "gateway");
    wait_until(|| is_shown(&new));
    assert!(!is_shown(&old));
    assert_eq!(kept.ask(&["hi"], false)[0].0, 200, "a connection that was there goes on");
    let last = || gateway.admin("/health").json()["config"]["last_reload"].clone();
    std::fs::write(folder.path().join("gateway-key.pem"), new.issue(HOST).key).unwrap();
    wait_until(|| last()["status"] == "refused");
    assert!(last()["reason"].as_str().unwrap().contains("do not go together"), "{}", last());
    std::fs::write(folder.path().join("gateway-key.pem"), "no key").unwrap();
    wait_until(|| last()["reason"].as_str().is_some_and(|reason| reason.contains("holds no private key")));
    assert!(is_shown(&new));
}

#[test]
fn clients_must_show_a_certificate_where_that_is_wanted() {
    let (authority, clients) = (Authority::default(), Authority::default());
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("clients.pem");
    std::fs::write(&ca, &clients.pem).unwrap();
    let block = shown(&authority.issue(HOST), folder.path(), &format!(", client_ca: {}", ca.display()));
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).block(&block).here();
    let asks = |shown: Option<&Issued>| ask(gateway.address, authority.client(shown, ONE), "hi");
    assert!(asks(None).is_err());
    assert!(asks(Some(&authority.issue("app"))).is_err());
    assert_eq!(asks(Some(&clients.issue("app"))).unwrap().status, 200);
    assert_eq!(gateway.stop().len(), 1);
}

#[test]
fn only_providers_that_can_be_trusted_are_asked() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let trusting = format!("tls: {{ca: {}}}", ca.display());
    let expired = authority.issue_with(HOST, |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    for (name, issued, fields, status) in [
        ("of that authority", authority.issue(HOST), trusting.as_str(), 200),
        ("not of the usual authorities", authority.issue(HOST), "", 502),
        ("of another authority", Authority::default().issue(HOST), &trusting, 502),
        ("for another host", authority.issue("provider.example"), &trusting, 502),
        ("that is over", expired, &trusting, 502),
    ] {
        let provider = Provider::always(Script::answer("ok"));
        let address = format!("https://{}/v1", front(provider.address, issued.server(None, ONE)));
        let gateway = Setup::new().target_at("a", &address, fields).here();
        let reply = gateway.ask("hi");
        assert_eq!(reply.status, status, "{name}: {}", reply.body);
        assert_eq!(provider.seen().len(), usize::from(status == 200), "{name}");
        if status != 200 {
            assert_eq!(reply.code(), "upstream_tls", "{name}: {}", reply.body);
            assert!(reply.error().unwrap()["message"].as_str().unwrap().contains("cannot be trusted"));
        }
    }
}

#[test]
fn a_port_that_does_not_speak_tls_is_told_as_that() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            // What a server of plain HTTP says to a greeting of TLS.
            let heard = socket.read(&mut [0; 4096]).unwrap_or_default();
            if heard > 0 {
                socket.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").ok();
            }
        }
    });
    let gateway = Setup::new().target_at("a", &format!("https://{address}/v1"), "").here();
    let reply = gateway.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (502, "upstream_tls"), "{}", reply.body);
    assert!(reply.shows("does not speak TLS at that port") && !reply.shows("Invalid"), "{}", reply.body);
}

#[test]
fn a_target_that_wants_a_certificate_gets_the_one_of_its_own() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let [cert, key] = authority.issue("gateway").write(folder.path(), "client");
    let provider = Provider::always(Script::answer("ok"));
    let server = authority.issue(HOST).server(Some(&authority), ONE);
    let address = format!("https://{}/v1", front(provider.address, server));
    let ca = ca.display();
    let with = format!("tls: {{ca: {ca}, cert: {}, key: {}}}", cert.display(), key.display());
    let setup = Setup::new().target_at("a", &address, &with);
    let gateway = setup.target_at("b", &address, &format!("tls: {{ca: {ca}}}")).here();
    let pinned = |id: &str| {
        let mut question = tests::question_of("hi", false);
        question["model"] = id.into();
        gateway.chat(&question).status
    };
    assert_eq!((pinned("a"), pinned("b")), (200, 502));
}

#[test]
fn providers_that_speak_http_2_are_asked_in_it_over_one_connection() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let provider = Provider2::start(&authority.issue(HOST));
    let fields = format!("tls: {{ca: {}}}", ca.display());
    let setup = Setup::new().target_at("a", &format!("https://{}/v1", provider.address), &fields);
    let setup = setup.rules("house", tests::RULES);
    let gateway = setup.here();
    assert_eq!(gateway.ask("hi").said(), "hello");
    assert_eq!(gateway.stream("hi").said(), "hello");
    assert_eq!(gateway.reload(&setup).status, 200);
    assert_eq!(gateway.ask("hi").said(), "hello");
    assert_eq!(provider.seen(), [Version::HTTP_2; 3]);
    assert_eq!(provider.connections(), 1, "a reload that changes nothing keeps the connection");
}

#[test]
fn a_client_of_http_2_that_leaves_takes_its_request_to_the_provider_along() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let provider = Provider::always(Script::stream(event(&delta("a"))).stall());
    let block = shown(&authority.issue(HOST), folder.path(), "");
    let gateway = Setup::over(&provider).block(&block).here();
    let http2 = Http2::connect(gateway.address, authority.client(None, TWO));
    http2.leave_in_a_stream("hi");
    assert!(provider.is_let_go(Duration::from_secs(5)));
    record::only(&gateway.stop(), "client_disconnect", 200);
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let provider = Provider::always(Script::answer("ok"));
    let block = shown(&authority.issue(HOST), folder.path(), "");
    let setup = Setup::over(&provider).block(&block);
    let start = || {
        let (folder, _) = setup.write();
        let output = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    std::fs::write(folder.path().join("gateway-cert.pem"), "nothing").unwrap();
    assert!(start().contains("holds no certificate"));
    std::fs::remove_file(folder.path().join("gateway-cert.pem")).unwrap();
    assert!(start().contains("gateway-cert.pem` cannot be read"));
}
