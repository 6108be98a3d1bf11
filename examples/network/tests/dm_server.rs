//! The management server judged by itself: a device made of texts, right at first, then wrong in one thing at a time.

use kedge_network::{DmFault, DmRule, DmScript, DmServer, Request, Response};

const URL: &str = "https://dm.operator.example/dm";

/// One message of the device with this body, in XML.
fn message(number: u32, cred: &str, body: &str) -> String {
    format!(
        "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>\
         <SessionID>7</SessionID><MsgID>{number}</MsgID><Target><LocURI>{URL}</LocURI></Target>\
         <Source><LocURI>IMEI:490154203237518</LocURI></Source>{cred}\
         <Meta><MaxMsgSize>4096</MaxMsgSize></Meta></SyncHdr><SyncBody>{body}<Final/></SyncBody></SyncML>"
    )
}

/// Package 1.
fn first(cred: &str) -> String {
    let item = |node: &str, value: &str| {
        format!("<Item><Source><LocURI>./DevInfo/{node}</LocURI></Source><Data>{value}</Data></Item>")
    };
    let nodes =
        [("DevId", "IMEI:490154203237518"), ("Man", "M"), ("Mod", "X"), ("DmV", "1.2"), ("Lang", "en")];
    let items: String = nodes.iter().map(|(node, value)| item(node, value)).collect();
    let alert = "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>";
    message(1, cred, &format!("{alert}<Replace><CmdID>2</CmdID>{items}</Replace>"))
}

fn status(id: u32, message: u32, command: u32, name: &str, code: u16) -> String {
    format!(
        "<Status><CmdID>{id}</CmdID><MsgRef>{message}</MsgRef><CmdRef>{command}</CmdRef><Cmd>{name}</Cmd>\
         <Data>{code}</Data></Status>"
    )
}

fn results(id: u32, message: u32, command: u32, node: &str, value: &str) -> String {
    format!(
        "<Results><CmdID>{id}</CmdID><MsgRef>{message}</MsgRef><CmdRef>{command}</CmdRef>\
         <Item><Source><LocURI>{node}</LocURI></Source><Data>{value}</Data></Item></Results>"
    )
}

fn post(server: &mut DmServer, body: &str) -> Response {
    let headers = vec![("Content-Type".to_owned(), "application/vnd.syncml.dm+xml".to_owned())];
    let (method, url) = ("POST".to_owned(), URL.to_owned());
    server.exchange(&Request { method, url, headers, body: body.as_bytes().to_vec() })
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

fn server(script: &str) -> DmServer {
    let mut server = DmServer::new();
    server.play(DmScript::parse(script).unwrap());
    server
}

const GET: &str = "package\nget ./DevDetail/FwV = 1.0 200\n";

/// Package 3 for [`GET`]: the Get is the fourth command, behind three statuses.
fn third() -> String {
    let body = [
        status(1, 1, 0, "SyncHdr", 200),
        status(2, 1, 4, "Get", 200),
        results(3, 1, 4, "./DevDetail/FwV", "1.0"),
    ];
    message(2, "", &body.concat())
}

/// What the server found wrong in the one session that was held.
fn faults(server: &DmServer) -> Vec<DmRule> {
    server.held().iter().flat_map(|held| held.violations.iter().map(|violation| violation.rule)).collect()
}

#[test]
fn a_device_that_does_all_right_is_not_blamed() {
    let mut server = server(GET);
    let said = text(&post(&mut server, &first("")));
    assert!(said.contains("<Get><CmdID>4</CmdID><Item><Target><LocURI>./DevDetail/FwV"), "{said}");
    assert!(said.contains("<Final/>"));
    let said = text(&post(&mut server, &third()));
    assert!(said.contains("<Cmd>SyncHdr</Cmd><Data>200</Data>") && !said.contains("<Get>"), "{said}");
    let [held] = server.held() else { panic!("one session") };
    assert!(held.complete && held.violations.is_empty(), "{held:?}");
    assert_eq!((held.answers[0].1.status, held.answers[0].1.text()), (200, "1.0".to_owned()));
}

#[test]
fn each_thing_done_wrong_is_named() {
    let right = third();
    let cases = [
        (right.replace("<MsgID>2<", "<MsgID>3<"), DmRule::Header),
        (right.replace(&format!("<LocURI>{URL}"), "<LocURI>https://other.example/"), DmRule::Header),
        (right.replace("<VerProto>DM/1.2", "<VerProto>DM/1.1"), DmRule::Header),
        (right.replace(&status(1, 1, 0, "SyncHdr", 200), ""), DmRule::Status),
        (right.replace(&status(2, 1, 4, "Get", 200), ""), DmRule::Status),
        (right.replace(&status(2, 1, 4, "Get", 200), &status(2, 1, 4, "Add", 200)), DmRule::Status),
        (right.replace(&status(2, 1, 4, "Get", 200), &status(2, 1, 9, "Get", 200)), DmRule::Status),
        (right.replace(&status(2, 1, 4, "Get", 200), &status(2, 1, 4, "Get", 404)), DmRule::Expected),
        (right.replace("<Data>1.0<", "<Data>2.0<"), DmRule::Expected),
        (
            right.replace(
                "<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>4<",
                "<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>5<",
            ),
            DmRule::Results,
        ),
        (right.replace("<SyncBody>", "<SyncBody><Get><CmdID>9</CmdID><Item/></Get>"), DmRule::Command),
        (right.replace("<CmdID>2</CmdID>", "<CmdID>1</CmdID>"), DmRule::Header),
        (
            right.replace("<CmdID>2</CmdID><MsgRef>1</MsgRef>", "<MsgRef>1</MsgRef><CmdID>2</CmdID>"),
            DmRule::Document,
        ),
        (right.replace("<Data>1.0<", &format!("<Data>{}<", "x".repeat(9000))), DmRule::Size),
    ];
    for (wrong, rule) in cases {
        assert_ne!(wrong, right, "the case changes something");
        let mut server = server(GET);
        post(&mut server, &first(""));
        post(&mut server, &wrong);
        // Whatever is still open ends with another session.
        post(&mut server, &first("").replace("<SessionID>7<", "<SessionID>8<"));
        assert!(faults(&server).contains(&rule), "{rule:?}: {:?}", server.held());
    }
    let mut server = server(GET);
    post(&mut server, &first("").replace("./DevInfo/Lang", "./DevInfo/Ext").replace("1201", "1224"));
    post(&mut server, &third());
    assert!(faults(&server).contains(&DmRule::Start), "{:?}", server.held());
}

#[test]
fn the_device_has_to_prove_itself() {
    let mut server = server(&format!("device md5 Bruce2 OhBehave\n{GET}"));
    let said = text(&post(&mut server, &first("")));
    assert!(
        said.contains("<Data>407</Data>") && said.contains("syncml:auth-md5") && !said.contains("<Get>"),
        "{said}"
    );
    // The nonce is empty: the vector of the fact sheet.
    let cred = "<Cred><Meta><Format>b64</Format><Type>syncml:auth-md5</Type></Meta><Data>lEf25jyjHbCcTbj4p/1pUw==</Data></Cred>";
    let wrong = cred.replace("lEf2", "lEf3");
    let repeat = |cred: &str, number: u32| {
        let header = status(9, number - 1, 0, "SyncHdr", 200);
        let id = format!("<MsgID>{number}<");
        first(cred).replace("<MsgID>1<", &id).replace("<SyncBody>", &format!("<SyncBody>{header}"))
    };
    let said = text(&post(&mut server, &repeat(&wrong, 2)));
    assert!(said.contains("<Data>401</Data>"), "{said}");
    let said = text(&post(&mut server, &repeat(cred, 3)));
    assert!(said.contains("<Data>212</Data>") && said.contains("<Get>"), "{said}");
}

#[test]
fn a_refused_server_says_its_package_again_with_the_nonce_it_was_told() {
    let mut server = server(&format!("server md5 Bruce2 OhBehave x\n{GET}"));
    post(&mut server, &first(""));
    let chal = "<Chal><Meta><Format>b64</Format><Type>syncml:auth-md5</Type><NextNonce>Tm9uY2U=</NextNonce></Meta></Chal>";
    let refused = status(1, 1, 0, "SyncHdr", 401).replace("<Data>", &format!("{chal}<Data>"));
    let body = format!("{refused}{}", status(2, 1, 4, "Get", 401));
    let said = text(&post(&mut server, &message(2, "", &body)));
    assert!(said.contains("Zz6EivR3yeaaENcRN6lpAQ==") && said.contains("<Get>"), "{said}");
    let body = [
        status(1, 2, 0, "SyncHdr", 212),
        // One status of the server, and the Get.
        status(2, 2, 2, "Get", 200),
        results(3, 2, 2, "./DevDetail/FwV", "1.0"),
    ];
    post(&mut server, &message(3, "", &body.concat()));
    let [held] = server.held() else { panic!("one session") };
    assert!(held.complete && held.violations.is_empty(), "{held:?}");
}

#[test]
fn a_repeated_message_gets_the_same_answer_and_another_content_is_a_fault() {
    let mut server = server(&format!("{GET}package\nget ./DevInfo/Man\n"));
    let said = post(&mut server, &first(""));
    assert_eq!(post(&mut server, &first("")).body, said.body);
    let alert = |code| message(2, "", &format!("<Alert><CmdID>1</CmdID><Data>{code}</Data></Alert>"));
    let said = post(&mut server, &alert(1222));
    assert_eq!(post(&mut server, &alert(1222)).body, said.body);
    post(&mut server, &alert(1223));
    let faults: Vec<_> = server.held()[0].violations.iter().map(|fault| &fault.detail).collect();
    assert!(faults.iter().any(|fault| fault.contains("message 2 once more")), "{faults:?}");
    assert!(!server.held()[0].complete, "the device has ended it");
}

#[test]
fn the_server_misbehaves_as_it_is_told() {
    for fault in DmFault::ALL {
        let mut server =
            server(&format!("server md5 s p\npackage\nfault {}\nget ./DevInfo/Man\n", fault.name()));
        let response = post(&mut server, &first(""));
        let said = text(&response);
        let seen = match fault {
            DmFault::WrongDigest => said.contains("<Cred>"),
            // There is no message before the first.
            DmFault::Duplicate => said.contains("<Get>"),
            DmFault::LostReply => said.is_empty() && response.header("Content-Length").is_some(),
            DmFault::Oversized => said.len() > 4096,
            DmFault::WrongOrder => said.contains("</Item><CmdID>"),
            DmFault::UnknownCommand => said.contains("<Put>"),
            DmFault::EarlyClose => said.contains("1223"),
            DmFault::Garbage => !said.starts_with('<'),
        };
        assert!(seen, "{fault:?}: {said}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let mut server = server(GET);
    assert_eq!(post(&mut server, "<SyncML/>").status, 400);
    assert_eq!(post(&mut server, "").status, 400);
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    let (method, url) = ("POST".to_owned(), URL.to_owned());
    assert_eq!(server.exchange(&Request { method, url, headers, body: Vec::new() }).status, 415);
    post(&mut server, &first(""));
    let nobody = first("").replace("<SessionID>7<", "<SessionID>9<");
    assert_eq!(post(&mut server, &nobody).status, 503, "no script is left");
}
