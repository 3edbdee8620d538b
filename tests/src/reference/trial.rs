//! A random case, judged by the engine and by the reference.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::input::Channel;
use engine::verdict::{Flow, Site, Verdict};
use engine::{Options, Program, Session, Unit, compile, compile_with};
use gateway::packs::Shelf;
use grammar::Sources;

use super::{Case, Dice, Outcome, judge};

/// What the engine and the reference make of a case, side by side.
pub struct Trial {
    case: Case,
    /// With the optimiser on, and off.
    programs: [Option<Arc<Program>>; 2],
    /// What the reference says.
    pub wanted: Outcome,
}

impl Trial {
    /// The case that the bytes make. Panics when the policy does not compile.
    pub fn draw(bytes: &[u8]) -> Self {
        let case = Case::draw(&mut Dice::new(bytes));
        let mut sources = Sources::new();
        let source = sources.add("drawn.ktr", case.policy.clone());
        let compiled = compile(&[Unit::of(source)], &Shelf, &mut sources);
        let told = grammar::render::render(&compiled.diagnostics, &sources, false);
        let program =
            compiled.program.unwrap_or_else(|| panic!("a drawn policy compiles:\n{}\n{told}", case.policy));
        let options = Options { optimize: false };
        let plain = compile_with(&[Unit::of(source)], &Shelf, &mut sources, options).program;
        let (file, _) = grammar::parse(source, &case.policy);
        let wanted = judge(&file, &case.world, &case.answer, case.channel.carrier.is_json());
        Self { case, programs: [Some(program), plain], wanted }
    }

    fn context(&self) -> String {
        let Case { policy, world, channel, answer, cuts } = &self.case;
        format!(
            "{policy}\n{world:#?}\nanswer {answer:?} in {channel:?} in pieces of {cuts:?}\n{:#?}",
            self.wanted
        )
    }

    /// Panics where the engine differs.
    pub fn check(&self) {
        for program in &self.programs {
            let program = program.as_ref().expect("what compiles with the optimiser compiles without");
            let mut session = Session::new(Arc::clone(program), || 0);
            self.check_request(&mut session);
            if !self.wanted.request.stops() {
                self.check_answer(&mut session);
            }
        }
    }

    fn check_request(&self, session: &mut Session) {
        let request = self.case.world.request();
        let step = session.request(&request);
        let wanted = &self.wanted;
        let facts_alone = session.decision().verdict;
        assert!(facts_alone >= step.decision.verdict);
        assert_eq!(step.decision.verdict, wanted.request, "the request's verdict\n{}", self.context());
        let by = step.decision.rule.as_deref();
        assert_eq!(by, wanted.by.as_deref(), "the request's rule\n{}", self.context());
        let report = session.report();
        let found: BTreeSet<_> = report
            .policies
            .iter()
            .flat_map(|policy| &policy.findings)
            .filter_map(|finding| match finding.site {
                Site::Request(text) => {
                    let (rule, label) = (finding.rule.to_string(), finding.label.to_string());
                    Some((rule, label, text, finding.range.start, finding.range.end))
                }
                Site::Response(_) => None,
            })
            .collect();
        assert_eq!(found, wanted.found, "the request's findings\n{}", self.context());
        if wanted.request.stops() {
            return;
        }
        let edited: Vec<_> = step.edits.iter().map(|edit| (edit.text, edit.range.clone())).collect();
        let expected: Vec<_> = wanted.edits.iter().map(|(text, range, _)| (*text, range.clone())).collect();
        assert_eq!(edited, expected, "the request's edits\n{}", self.context());
        for (edit, (_, _, markers)) in step.edits.iter().zip(&wanted.edits) {
            let marker = &edit.replacement;
            assert!(markers.contains(marker), "{marker} is not of {markers:?}\n{}", self.context());
        }
    }

    fn check_answer(&self, session: &mut Session) {
        let mut out = String::new();
        let mut flow = Flow::Open;
        for (number, name) in (0..).zip(&self.case.world.answered) {
            if flow == Flow::Open {
                flow = session.call(Channel::arguments(0, number), name);
            }
        }
        for piece in pieces(&self.case.answer, &self.case.cuts) {
            if flow == Flow::Open {
                flow = session.feed(self.case.channel, &piece, &mut out);
            }
        }
        if flow == Flow::Open {
            flow = session.finish(self.case.channel, &mut out);
        }
        if flow == Flow::Open {
            let mut tails = Vec::new();
            flow = session.end(&mut tails);
            tails.iter().for_each(|(_, tail)| out.push_str(tail));
        }
        let wanted = &self.wanted;
        let stops = wanted.answer.iter().any(|verdict| verdict.stops());
        let verdict = session.decision().verdict;
        assert_eq!(flow == Flow::Stopped, stops, "whether the answer stops: {out:?}\n{}", self.context());
        if stops {
            assert!(wanted.answer.contains(&verdict), "{verdict:?} stopped\n{}", self.context());
        } else {
            let strongest = wanted.answer.iter().copied().max().unwrap_or(Verdict::Allow).max(wanted.request);
            assert_eq!(verdict, strongest, "the answer's verdict\n{}", self.context());
        }
        assert!(wanted.is_answer(&out, stops), "the answer that left: {out:?}\n{}", self.context());
    }
}

/// The text in pieces of these sizes, in turn.
fn pieces(text: &str, sizes: &[usize]) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut sizes = sizes.iter().copied().cycle();
    let mut room = sizes.next().unwrap_or(1);
    for c in text.chars() {
        if room == 0 {
            pieces.push(String::new());
            room = sizes.next().unwrap_or(1);
        }
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
        room -= 1;
    }
    pieces
}
