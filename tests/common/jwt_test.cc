// Signatures and fingerprints are checked by the openssl command, and by the example of RFC 7515.

#include "common/http/jwt.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/base/text.h"
#include "common/config/json.h"
#include "common/http/base64.h"
#include "tests/common/client_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

/// The example key of RFC 7515, A.2.1, which is public.
constexpr const char* kRfcKey = R"(-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO
jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL
aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn
juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5
ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf
toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg
VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW
PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G
O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj
kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6
XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB
4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K
pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr
0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE
lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6
kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP
rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw
kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp
5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2
9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/
evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG
yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj
OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2
tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3
ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56
03k2+ZQwVK0JKSHuLFkuQ3U=
-----END PRIVATE KEY-----
)";
constexpr const char* kPassphrase = "correct horse hunter2";

/// A directory with keys of one pair in all their forms, and with others.
class Keys {
 public:
  Keys() {
    directory_.write("pass", kPassphrase + std::string("\n"));
    directory_.write("wrong", "hunter3\n");
    directory_.write("rfc.pem", kRfcKey);
    run("openssl genrsa -out plain.pem 2048");
    const std::string encrypt = "openssl pkcs8 -topk8 -in plain.pem -passout file:pass ";
    run(encrypt + "-v2 des3 -out des3.pem");
    run(encrypt + "-v2 aes-256-cbc -out aes.pem");
    run(encrypt + "-scrypt -out scrypt.pem");
    run("openssl rsa -traditional -in plain.pem -out pkcs1.pem");
    run("openssl rsa -traditional -aes256 -passout file:pass -in plain.pem -out pkcs1_aes.pem");
    run("openssl rsa -in plain.pem -pubout -out public.pem");
    run("openssl genrsa -out other.pem 2048");
    run("openssl genrsa -out short.pem 1024");
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
    directory_.write("noise.pem", "hunter2 is what I say\n");
    const auto plain = read("plain.pem");
    directory_.write("bad.pem", std::string(plain).replace(100, 1, "!"));
    directory_.write("cut.pem", std::string(plain).erase(100, 65 * 10));
    directory_.write("padded.pem",
                     "Bag Attributes\r\n\r\n" + std::string(plain).insert(100, " \r\n\t"));
  }

  std::string path(const std::string& name) const { return directory_.path() / name; }
  SecretSource file(const std::string& name) const { return SecretSource::file(path(name)); }
  std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, std::string_view text) const { directory_.write(name, text); }
  void run(const std::string& command) const {
    const auto whole = "cd '" + directory_.path().string() + "' && { " + command + "; } >>log 2>&1";
    INFO(command);
    REQUIRE(std::system(whole.c_str()) == 0);
  }

 private:
  TemporaryDirectory directory_;
};

const Keys& keys() {
  static const Keys all;
  return all;
}

RsaKey load(const std::string& pem, const std::string& passphrase = "") {
  return RsaKey::load(keys().file(pem),
                      passphrase.empty() ? std::nullopt : std::optional(keys().file(passphrase)));
}

/// The error for a key. Checks that it contains no passphrase and no part of the key.
std::string why(const std::string& pem, const std::string& passphrase = "") {
  const auto text = error_of(Reason::config, [&] { load(pem, passphrase); });
  CHECK(text.find("hunter") == std::string::npos);
  if (std::ifstream(keys().path(pem))) {
    const auto whole = keys().read(pem);
    for (std::string_view rest = whole; !rest.empty();) {
      const auto line = next_part(rest, '\n');
      if (line.size() > 8 && line.find("---") == line.npos) {
        CHECK(text.find(line.substr(0, 8)) == std::string::npos);
      }
    }
  }
  return text;
}

std::string in(const std::string& pem) { return "private key, file " + keys().path(pem) + ": "; }

/// Checks with openssl that the signature of the text is valid for the key in plain.pem.
void check_signature(const std::string& text, const std::string& signature) {
  keys().write("text", text);
  keys().write("signature", signature);
  keys().run("openssl dgst -sha256 -verify public.pem -signature signature text");
}

/// Decodes base64url (RFC 4648, 5).
std::string decoded(std::string_view base64url) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0, count = 0;
  for (const char c : base64url) {
    const auto digit = kDigits.find(c);
    REQUIRE(digit != kDigits.npos);
    bits = bits << 6 | static_cast<unsigned>(digit);
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  return out;
}

JsonObject claims(const std::string& fingerprint, std::chrono::sys_seconds now) {
  JsonObject object;
  object.add("iss", "ACCOUNT.USER.SHA256:" + fingerprint);
  object.add("iat", std::int64_t{now.time_since_epoch().count()});
  return object;
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648, 10") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xfb\xff") == "+/8=");
  CHECK(base64url("\xfb\xff") == "-_8");
  CHECK(base64url("foob") == "Zm9vYg");
  CHECK(decode_base64("Zm9v\r\n YmE =\n=")->reveal() == "fooba");
  CHECK(decode_base64("Zg")->reveal() == "f");
  CHECK(decode_base64("")->reveal() == "");
  CHECK_FALSE(decode_base64("Zm9v-"));
  CHECK_FALSE(decode_base64("Zg=v"));
}

TEST_CASE("a signature is that of RFC 7515, A.2, and a fingerprint that of openssl") {
  const auto key = load("rfc.pem");
  CHECK(base64url(key.sign("eyJhbGciOiJSUzI1NiJ9"
                           ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                           "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ")) ==
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
        "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
        "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
        "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
        "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
        "p0igcN_IoypGlUPQGe77Rw");
  CHECK(key.fingerprint() == "b9E8JDWjYefFiM0X9V9a098Bd6ZsFyemogCEX016uIw=");
}

TEST_CASE("a key is read in all its forms") {
  keys().run(
      "openssl rsa -pubin -in public.pem -outform DER | openssl dgst -sha256 -binary | "
      "openssl enc -base64 > fingerprint");
  const auto expected = std::string(trim(keys().read("fingerprint")));
  for (const auto* name :
       {"plain.pem", "padded.pem", "pkcs1.pem", "des3.pem", "aes.pem", "pkcs1_aes.pem"}) {
    CAPTURE(name);
    const auto key = load(name, "pass");
    CHECK(key.fingerprint() == expected);
    check_signature("some text", key.sign("some text"));
  }
  CHECK(load("plain.pem").fingerprint() == expected);
}

TEST_CASE("a key that cannot be used is an error that names it and says why") {
  for (const auto* name : {"des3.pem", "aes.pem", "pkcs1_aes.pem"}) {
    CAPTURE(name);
    CHECK_THAT(why(name, "wrong"),
               Catch::StartsWith(in(name) + "the passphrase (file " + keys().path("wrong") +
                                 ") is wrong, or the encryption is not supported ("));
    CHECK(why(name) == in(name) + "it is encrypted and no passphrase is given");
  }
  CHECK_THAT(why("scrypt.pem", "pass"),
             Catch::Contains("is wrong, or the encryption is not supported ("));
  for (const auto* name : {"noise.pem", "public.pem", "bad.pem"}) {
    CHECK(why(name) == in(name) + "no private key in PEM");
  }
  CHECK_THAT(why("cut.pem"), Catch::StartsWith(in("cut.pem") + "an unusable private key in PEM ("));
  CHECK(why("ec.pem") == in("ec.pem") + "not an RSA key");
  CHECK(why("short.pem") == in("short.pem") + "an RSA key of 1024 bits; expected at least 2048");
  CHECK(why("missing.pem") ==
        "secret file " + keys().path("missing.pem") + ": No such file or directory");
  CHECK(why("aes.pem", "missing") ==
        "secret file " + keys().path("missing") + ": No such file or directory");
}

TEST_CASE("a token has the claims, and a signature of all of it") {
  const auto key = load("plain.pem");
  const auto before = std::chrono::system_clock::now();
  const auto fetched =
      jwt_signer({keys().file("aes.pem"), keys().file("pass")}, claims, 59min)(soon());
  const std::string token(fetched.token.reveal());
  std::string_view rest = token;
  const auto header = next_part(rest, '.'), body = next_part(rest, '.');
  CHECK(decoded(header) == R"({"alg":"RS256","typ":"JWT"})");
  const auto said = Json::parse(decoded(body), "claims");
  CHECK(said.at("iss").string() == "ACCOUNT.USER.SHA256:" + key.fingerprint());
  CHECK(said.at("iat").integer() >=
        std::chrono::floor<std::chrono::seconds>(before).time_since_epoch().count());
  check_signature(std::string(header) + '.' + std::string(body), decoded(rest));
  CHECK(fetched.expires_at > Clock::now() + 58min);
  CHECK(fetched.expires_at <= Clock::now() + 59min);
}

TEST_CASE("a key that was rotated signs the next token, which a refusal asks for") {
  keys().write("current.pem", keys().read("plain.pem"));
  std::string good;
  const ScriptedServer server(answer([&](const std::string& each) {
    const auto at = each.find("Bearer ") + 7;
    std::string_view token = std::string_view(each).substr(at, each.find("\r\n", at) - at);
    next_part(token, '.');
    const auto body = decoded(next_part(token, '.'));
    return reply(body.find(good) == body.npos ? 401 : 200, "");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client(
      with_fetched_token(jwt_signer({keys().file("current.pem"), std::nullopt}, claims, 59min),
                         [](const ClientResponse& response) { return response.status == 401; }));
  good = load("plain.pem").fingerprint();
  CHECK(client.send(request("/"), soon()).status == 200);
  keys().write("current.pem", keys().read("other.pem"));
  CHECK(client.send(request("/"), soon()).status == 200);
  CHECK(server.requests().size() == 2);
  good = load("other.pem").fingerprint();
  CHECK(client.send(request("/"), soon()).status == 200);
  CHECK(server.requests().size() == 4);
}
