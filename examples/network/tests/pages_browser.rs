//! The server's pages in a real headless browser (chromium, driven by chromedriver over WebDriver): the forms are filled by
//! hand, as it were, and pictures of the payment page and of the administration are taken into `pages` of the target
//! folder's `tmp`.

mod desk;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use desk::{DAY, Desk, Device, NAMES, START};
use kedge_network::provisioning::{Policy, Provisioning};
use kedge_network::{Operator, Request, Running, Service};
use kedge_protocol::xml::base64;
use serde_json::{Value, json};

/// The key of an element in WebDriver (W3C WebDriver §12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);
const SITE: &str = "https://prov.operator.example";

/// A browser; ends with the value.
struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

impl Browser {
    /// A browser that finds the server's host at this port; `None`, with the reason printed, if there is none.
    fn start(port: u16) -> Option<Self> {
        let driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = match driver {
            Ok(driver) => driver,
            Err(error) => {
                println!("skipped: chromedriver cannot be started ({error})");
                return None;
            }
        };
        let out = BufReader::new(driver.stdout.take().unwrap());
        let told = out.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let at = told.expect("chromedriver tells its port");
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut browser =
            Self { driver, agent: config.into(), session: format!("http://127.0.0.1:{at}/session") };
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{}", std::process::id()));
        let arguments = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.display()),
            format!("--host-resolver-rules=MAP prov.operator.example 127.0.0.1:{port}"),
        ]);
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true, "goog:chromeOptions": {"args": arguments},
        }}});
        let session = browser.call("POST", "", &wanted);
        let Some(id) = session["sessionId"].as_str() else {
            println!("skipped: no browser session: {}", session["message"]);
            return None;
        };
        browser.session = format!("{}/{id}", browser.session);
        // for elements of a page that is still being read
        browser.call("POST", "/timeouts", &json!({"implicit": 2000}));
        Some(browser)
    }

    fn call(&self, method: &str, command: &str, body: &Value) -> Value {
        let url = format!("{}{command}", self.session);
        let answer = match method {
            "GET" => self.agent.get(&url).call(),
            "DELETE" => self.agent.delete(&url).call(),
            _ => self.agent.post(&url).content_type("application/json").send(body.to_string()),
        };
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["value"].take()
    }

    fn open(&self, path: &str) {
        let answer = self.call("POST", "/url", &json!({"url": format!("{SITE}{path}")}));
        assert!(answer.is_null(), "{path}: {answer}");
    }

    fn element(&self, selector: &str) -> String {
        let found = self.call("POST", "/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {selector}: {found}")).to_owned()
    }

    fn count(&self, selector: &str) -> usize {
        let found = self.call("POST", "/elements", &json!({"using": "css selector", "value": selector}));
        found.as_array().unwrap().len()
    }

    fn text(&self, selector: &str) -> String {
        let element = self.element(selector);
        self.call("GET", &format!("/element/{element}/text"), &Value::Null).as_str().unwrap().to_owned()
    }

    /// Types into an empty field.
    fn enter(&self, name: &str, text: &str) {
        let element = self.element(&format!("[name={name}]"));
        self.call("POST", &format!("/element/{element}/clear"), &json!({}));
        let answer = self.call("POST", &format!("/element/{element}/value"), &json!({"text": text}));
        assert!(answer.is_null(), "{name}: {answer}");
    }

    /// Sends a form by its button, and waits until the page is another one.
    fn click(&self, selector: &str) {
        let element = self.element(selector);
        let answer = self.call("POST", &format!("/element/{element}/click"), &json!({}));
        assert!(answer.is_null(), "{selector}: {answer}");
        let begun = Instant::now();
        while !self.call("GET", &format!("/element/{element}/name"), &Value::Null)["error"].is_string() {
            assert!(begun.elapsed() < PATIENCE, "{selector}: nothing follows");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A picture of the page, as PNG in the target folder.
    fn picture(&self, name: &str) -> PathBuf {
        let encoded = self.call("GET", "/screenshot", &Value::Null);
        let encoded = encoded.as_str().unwrap();
        let mut room = vec![0; encoded.len()];
        let picture = base64::decode(encoded.as_bytes(), &mut room).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{} octets", picture.len());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, picture).unwrap();
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let answer = self.agent.delete(&self.session).call();
        drop(answer); // it may never have begun
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The server behind real TLS, and the time it believes in.
struct World {
    server: Arc<Mutex<Provisioning>>,
    now: Arc<AtomicU64>,
    running: Running,
}

impl World {
    fn new() -> Self {
        let server = Provisioning::new(NAMES, Policy::default(), [1; 32]).with_administration("staff only");
        let (server, now) = (Arc::new(Mutex::new(server)), Arc::new(AtomicU64::new(START)));
        let told = Arc::clone(&now);
        let clock = Box::new(move || told.load(Ordering::Relaxed));
        let service = Service {
            provisioning: Some((Arc::clone(&server), clock)),
            ..Service::new(Arc::new(Mutex::new(Operator::default())))
        };
        Self { server, now, running: service.start().unwrap() }
    }

    /// What the device gets when it asks: the address that it is led to.
    fn led_to(&self, path: &str) -> String {
        let accept = "application/vnd.example.user-action+cbor".to_owned();
        let url = format!("{SITE}{path}");
        let headers = vec![("Accept".to_owned(), accept)];
        let request = Request { method: "GET".to_owned(), url, headers, body: Vec::new() };
        let response = self.server.lock().unwrap().exchange(self.now.load(Ordering::Relaxed), &request);
        response.header("Location").unwrap_or_else(|| panic!("{path}: {}", response.status)).to_owned()
    }

    /// The device asks: the code that it shows.
    fn code(&self, device: &Device, op: u64) -> String {
        let location =
            self.led_to(&format!("/v1/entry?v=1&op={op}&t={}", desk::base64_url(&device.token(op))));
        location.split("c=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    }
}

#[test]
fn users_and_staff_use_the_pages() {
    let world = World::new();
    let Some(browser) = Browser::start(world.running.https.port()) else { return };
    let device = Desk::new(Policy::default()).device(1);
    world.server.lock().unwrap().register(&device.public_key());

    // sign-up, by the code that the device shows; the name of the account is meant to be markup
    let (name, code) = ("<b>al\"ice</b>", world.code(&device, 1));
    browser.open("/activate");
    assert_eq!(
        browser.call(
            "POST",
            "/execute/sync",
            &json!({"script": "return document.scripts.length", "args": []})
        ),
        0
    );
    for (field, text) in [("code", "BBBB-BBBB"), ("account", name), ("password", "correct horse")] {
        browser.enter(field, text);
    }
    browser.click("form button");
    assert!(browser.text("#wrong").contains("not known"));
    for (field, text) in
        [("code", code.to_lowercase().as_str()), ("account", name), ("password", "correct horse")]
    {
        browser.enter(field, text);
    }
    browser.click("form button");
    assert!(browser.text("#done").contains("goes on"));
    assert!(world.led_to(&format!("/v1/poll?c={code}")).starts_with("/v1/download"));

    // payment
    world.now.fetch_add(14 * DAY, Ordering::Relaxed);
    let code = world.code(&device, 3);
    browser.open(&format!("/pay?c={code}"));
    assert_eq!(browser.text("p strong:nth-of-type(2)"), name);
    let picture = browser.picture("payment");
    println!("payment page: {}", picture.display());
    for (card, expected) in [("1234 5678 9012 3456", "no card number"), ("4000 0000 0000 0002", "declined")] {
        browser.enter("holder", "A. Liddell");
        browser.enter("card", card);
        browser.click("form button");
        assert!(browser.text("#wrong").contains(expected), "{card}");
    }
    browser.enter("holder", "A. Liddell");
    browser.enter("card", "4242 4242 4242 4242");
    browser.click("form button");
    assert!(browser.text("#done").contains("Paid"));
    assert!(world.led_to(&format!("/v1/poll?c={code}")).starts_with("/v1/download"));
    assert!(world.server.lock().unwrap().account(name).paid);

    // the operator's staff
    browser.open("/admin");
    browser.enter("password", "guess");
    browser.click("form button");
    assert!(browser.text("p.bad").contains("wrong"));
    browser.open("/admin");
    browser.enter("password", "staff only");
    browser.click("form button");
    assert_eq!(browser.text("#accounts tbody td:nth-child(1)"), name);
    assert_eq!(browser.text("#accounts tbody td:nth-child(2)"), "full");
    assert_eq!((browser.count("#licenses tbody tr"), browser.count("#accounts b")), (2, 0), "no markup");
    let picture = browser.picture("administration");
    println!("administration page: {}", picture.display());
    browser.click("#accounts button[value=block]");
    assert_eq!(browser.text("#accounts tbody td:nth-child(5)"), "blocked");
    assert!(world.server.lock().unwrap().account(name).blocked);
    browser.click("#accounts button[value=withdraw]");
    assert_eq!(browser.text("#accounts tbody td:nth-child(2)"), "withdrawn");
    browser.enter("key", &"ab".repeat(32));
    browser.click("form[action='/admin/register'] button");
    browser.click("form.out button");
    assert_eq!(browser.count("#accounts"), 0, "signed out");
}
