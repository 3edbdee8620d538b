//! Figures: names that clients make up, however many, do not fill the memory or the monitoring.

use serde_json::json;
use tests::{Provider, Script, Setup, get, question_of};

use crate::CANARY;
use crate::watch::start;

const NAMES: usize = 10_000;

#[test]
fn ten_thousand_models_make_a_bounded_page() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    std::thread::scope(|scope| {
        for part in 0..4 {
            let gateway = &gateway;
            scope.spawn(move || {
                for number in (part..NAMES).step_by(4) {
                    let mut question = question_of(CANARY, false);
                    question["model"] = json!(format!("made-up/{number}#x@y"));
                    question["user"] = json!(format!("user-{number}"));
                    let headers = format!("x-user-id: u{number}\r\nx-conversation-id: c{number}\r\n");
                    assert_eq!(gateway.post(&headers, question.to_string()).status, 200);
                }
            });
        }
    });
    for number in 0..50 {
        get(gateway.address, &format!("/nowhere/{number}"));
    }
    let page = gateway.admin("/metrics").body;
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let models = lines.iter().filter(|line| line.starts_with("keeptrusts_llm_requests_total"));
    assert!(models.count() <= 210, "a line for each of 200 models, and one for the rest");
    assert!(lines.len() < 8000 && page.len() < 2 << 20, "{} lines, {} bytes", lines.len(), page.len());
    assert!(lines.iter().any(|line| line.contains("model=\"other\"")));
    for personal in ["user-", "u1", "c1", "nowhere"] {
        let is_there = lines.iter().any(|line| line.contains(&format!("\"{personal}")));
        assert!(!is_there, "`{personal}…` in a label");
    }
    provider.forget();
    assert_eq!(gateway.stop().len(), NAMES + 50);
}
