#include "exporters/dbt/s3.h"

#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <regex>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"
#include "exporters/dbt/s3_xml.h"
#include "test_paths.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/scripted_server.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

const auto kBuild =
    std::filesystem::path(SOURCE_DIR) / "tests/fixtures/dbt/recorded/dbt-1.11/02_build";

struct Object {
  std::string text, tag, modified_at = "2026-01-02T03:04:05.000Z";
};

std::string error_document(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>" +
         message + "</Message><StringToSign>not to be shown</StringToSign></Error>";
}

/// The bucket "lake", served path-style; its listings have two objects a page.
class Lake {
 public:
  Lake() : server_(answer([this](const std::string& request) { return respond(request); })) {}

  void put(const std::string& key, Object object) {
    const std::lock_guard lock(mutex_);
    objects_[key] = std::move(object);
  }
  void remove(const std::string& key) {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
  }
  /// Answers each further request with this.
  void refuse(int status, const std::string& code, const std::string& message) {
    const std::lock_guard lock(mutex_);
    refusal_ = {status, error_document(code, message)};
  }

  std::string url() const { return server_.url(); }
  /// The whole requests since the last call.
  std::vector<std::string> requests() {
    const auto all = server_.requests();
    std::vector<std::string> fresh(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return fresh;
  }
  /// The first line of each, "GET /lake/key".
  std::vector<std::string> lines() {
    auto lines = requests();
    for (auto& line : lines) line = line.substr(0, line.find(" HTTP/1.1\r\n"));
    return lines;
  }

 private:
  std::string respond(const std::string& request) {
    const std::lock_guard lock(mutex_);
    const auto blank = request.find(' ');
    const bool is_head = request.substr(0, blank) == "HEAD";
    const auto target = request.substr(blank + 1, request.find(' ', blank + 1) - blank - 1);
    const auto [status, body, headers] = find(target);
    const auto whole = reply(status, body, headers);
    return is_head ? whole.substr(0, whole.size() - body.size()) : whole;
  }

  std::tuple<int, std::string, std::string> find(const std::string& target) {
    if (refusal_.first != 0) return {refusal_.first, refusal_.second, ""};
    if (!target.starts_with("/lake/")) {
      return {404, error_document("NoSuchBucket", "No such bucket"), ""};
    }
    if (target.starts_with("/lake/?")) return {200, list(target), ""};
    const auto object = objects_.find(target.substr(6));
    if (object == objects_.end()) return {404, error_document("NoSuchKey", "No such key"), ""};
    return {200, object->second.text, "ETag: " + object->second.tag + "\r\n"};
  }

  /// The token is "+/" and the last key of the previous page.
  std::string list(const std::string& target) const {
    std::smatch parts;
    REQUIRE(std::regex_match(
        target, parts,
        std::regex(R"(/lake/\?(?:continuation-token=%2B%2F(\w+)&)?list-type=2&prefix=(.*))")));
    const std::string last = parts[1],
                      prefix = std::regex_replace(parts[2].str(), std::regex("%2F"), "/");
    std::string contents;
    auto at = last.empty() ? objects_.begin() : objects_.upper_bound(by_number_.at(last));
    std::size_t count = 0;
    for (; at != objects_.end() && count < 2; ++at) {
      if (!at->first.starts_with(prefix)) continue;
      ++count;
      last_listed_ = at->first;
      contents += "<Contents><Key>" + at->first + "</Key><LastModified>" + at->second.modified_at +
                  "</LastModified><ETag>" + at->second.tag + "</ETag><Size>" +
                  std::to_string(at->second.text.size()) + "</Size></Contents>";
    }
    const bool goes_on = at != objects_.end();
    if (goes_on) {
      const auto token = "page" + std::to_string(by_number_.size());
      by_number_[token] = last_listed_;
      contents += "<NextContinuationToken>+/" + token + "</NextContinuationToken>";
    }
    return "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>" +
           std::string(goes_on ? "true" : "false") + "</IsTruncated>" + contents +
           "</ListBucketResult>";
  }

  std::mutex mutex_;
  std::map<std::string, Object> objects_;
  mutable std::map<std::string, std::string> by_number_;
  mutable std::string last_listed_;
  std::pair<int, std::string> refusal_;
  std::size_t seen_ = 0;
  ScriptedServer server_;
};

Lister lister_of(const Lake& lake, const std::string& where, const std::string& more = "") {
  return project_of("s3: \"" + where + "\", endpoint: \"" + lake.url() +
                    "\", access_key_id: AKID, secret_access_key: \"very secret\"" + more)
      ->list;
}

Deadline soon() { return Deadline::in(std::chrono::minutes(1)); }

std::vector<Found> look(const Lister& list) { return list(soon()); }

std::string text_of(const Found& found) {
  std::string text;
  found.artifact.read([&](std::string_view piece) { text += piece; });
  return text;
}

/// "location kind version size" of each.
std::vector<std::string> named(const std::vector<Found>& all) {
  std::vector<std::string> names;
  for (const auto& found : all) {
    names.push_back(found.location + ' ' + std::string(to_string(found.kind)) + ' ' +
                    found.version + ' ' + std::to_string(found.size));
  }
  return names;
}

S3Listing listing(const std::string& inside) {
  return read_s3_listing("<ListBucketResult>" + inside + "</ListBucketResult>", "s3://lake/");
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a directory of a bucket costs five HEADs, and each new version of an artifact a GET") {
  Lake lake;
  const auto text = read_file(kBuild / "run_results.json");
  lake.put("shop/target/run_results.json", {text, "\"1\""});
  Follower follower("shop", lister_of(lake, "s3://lake/shop/target/"),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const Lines look = {"HEAD /lake/shop/target/manifest.json",
                      "HEAD /lake/shop/target/run_results.json",
                      "HEAD /lake/shop/target/sources.json", "HEAD /lake/shop/target/catalog.json",
                      "HEAD /lake/shop/target/freshness.json"};
  auto look_and_read = look;
  look_and_read.emplace_back("GET /lake/shop/target/run_results.json");

  follower.update(soon());
  CHECK(lake.lines() == look_and_read);
  CHECK(follower.project().nodes.size() == 28);
  follower.update(soon());
  CHECK(lake.lines() == look);
  lake.put("shop/target/run_results.json", {text, "\"2\""});
  follower.update(soon());
  CHECK(lake.lines() == look_and_read);
}

TEST_CASE("requests are signed, with the session token where there is one") {
  Lake lake;
  lake.put("manifest.json", {"{}", "\"1\""});
  CHECK(look(lister_of(lake, "s3://lake", ", region: eu-central-1, session_token: tick")).size() ==
        1);
  const auto requests = lake.requests();
  REQUIRE(requests.size() == 5);
  const std::regex signature(
      "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/\\d{8}/eu-central-1/s3/aws4_request, "
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
      "Signature=[0-9a-f]{64}\r\n",
      std::regex::icase);
  CAPTURE(requests[0]);
  CHECK(std::regex_search(requests[0], signature));
  CHECK(requests[0].find("\r\nX-Amz-Security-Token: tick\r\n") != std::string::npos);
  CHECK(requests[0].find("very secret") == std::string::npos);
}

TEST_CASE("a glob of directories is one listing, page by page, the oldest artifacts first") {
  Lake lake;
  lake.put("jobs/a/target/run_results.json", {"a", "\"1\"", "2026-01-02T03:04:07Z"});
  lake.put("jobs/a/target/compiled/manifest.json", {"no", "\"2\""});
  lake.put("jobs/b/c/target/manifest.json", {"no", "\"3\""});
  lake.put("jobs/b/target/manifest.json", {"bb", "\"4\"", "2026-01-02T03:04:05Z"});
  lake.put("jobs/b/target/sources.json", {"bbb", "\"5\"", "2026-01-02T03:04:06Z"});
  lake.put("jobs/b/target/graph.gpickle", {"no", "\"6\""});
  lake.put("else/target/manifest.json", {"no", "\"7\""});
  const auto found = look(lister_of(lake, "s3://lake/jobs/*/target"));
  CHECK(named(found) == Lines{"s3://lake/jobs/b/target manifest \"4\" 2",
                              "s3://lake/jobs/b/target sources \"5\" 3",
                              "s3://lake/jobs/a/target run_results \"1\" 1"});
  CHECK(lake.lines() ==
        Lines{"GET /lake/?list-type=2&prefix=jobs%2F",
              "GET /lake/?continuation-token=%2B%2Fpage0&list-type=2&prefix=jobs%2F",
              "GET /lake/?continuation-token=%2B%2Fpage1&list-type=2&prefix=jobs%2F"});
  CHECK(text_of(found[1]) == "bbb");
  CHECK(lake.lines() == Lines{"GET /lake/jobs/b/target/sources.json"});
}

TEST_CASE("a bucket without an artifact is no error, and no bucket is one") {
  Lake lake;
  CHECK(look(lister_of(lake, "s3://lake/target")).empty());
  CHECK(look(lister_of(lake, "s3://lake/*/target")).empty());
  CHECK(error_of(Reason::http_status, [&] { look(lister_of(lake, "s3://sea/target")); }) ==
        "s3://sea/target/manifest.json: status 404: NoSuchBucket: No such bucket");
  CHECK(error_of(Reason::http_status, [&] { look(lister_of(lake, "s3://sea/*/target")); }) ==
        "s3://sea/: status 404: NoSuchBucket: No such bucket");
}

TEST_CASE("an object that is gone when it is read is named") {
  Lake lake;
  lake.put("target/manifest.json", {"{}", "\"1\""});
  const auto found = look(lister_of(lake, "s3://lake/target"));
  REQUIRE(found.size() == 1);
  lake.remove("target/manifest.json");
  CHECK(error_of(Reason::http_status, [&] { text_of(found[0]); }) ==
        "s3://lake/target/manifest.json: status 404: NoSuchKey: No such key");
}

TEST_CASE("a refusal says why, in the words of the server") {
  Lake lake;
  const auto place = lister_of(lake, "s3://lake/target"), glob = lister_of(lake, "s3://lake/*");
  const auto both = [&](Reason reason) {
    return std::pair(error_of(reason, [&] { look(place); }), error_of(reason, [&] { look(glob); }));
  };
  lake.refuse(403, "SignatureDoesNotMatch", "The signature\n does not match.");
  CHECK(both(Reason::auth) ==
        std::pair<std::string, std::string>(
            "s3://lake/target/manifest.json: status 403: SignatureDoesNotMatch: "
            "The signature  does not match.",
            "s3://lake/: status 403: SignatureDoesNotMatch: The signature  does not match."));
  lake.refuse(403, "RequestTimeTooSkewed", "The difference between the times is too large.");
  CHECK(both(Reason::auth).first ==
        "s3://lake/target/manifest.json: status 403: RequestTimeTooSkewed: "
        "The difference between the times is too large.");
  lake.refuse(301, "PermanentRedirect", "Use another endpoint.");
  CHECK(both(Reason::http_status).second ==
        "s3://lake/: status 301: PermanentRedirect: Use another endpoint.");
  lake.refuse(400, std::string(1000, 'x'), "");
  CHECK(both(Reason::http_status).second ==
        "s3://lake/: status 400: " + std::string(200, 'x') + "...");
}

TEST_CASE("a listing that is none is refused") {
  Lake lake;
  const auto glob = lister_of(lake, "s3://lake/*");
  lake.refuse(200, "", "");
  CHECK(error_of(Reason::decode, [&] { look(glob); }) == "s3://lake/: not the XML of a listing");
}

TEST_CASE("a listing is read, but for objects that are malformed") {
  const std::string object =
      "<Contents><Key>a &amp; b</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>"
      "<ETag>&quot;1&quot;</ETag><Size>7</Size></Contents>";
  const auto found = listing("<IsTruncated>false</IsTruncated>" + object);
  REQUIRE(found.objects.size() == 1);
  CHECK(found.objects[0].key == "a & b");
  CHECK(found.objects[0].tag == "\"1\"");
  CHECK(found.objects[0].size == 7);
  CHECK(found.objects[0].modified_at.time_since_epoch() ==
        std::chrono::microseconds(1'767'323'045'678'000));
  CHECK(found.next.empty());

  const std::string malformed[] = {
      "<Contents><Key>a</Key></Contents>",
      "<Contents><Key>a</Key><LastModified>2026-01-02T03:04:05Z</LastModified>"
      "<Size>-1</Size></Contents>",
      "<Contents><Key>a</Key><LastModified>2026</LastModified><Size>7</Size></Contents>",
      "<Contents><LastModified>2026-01-02T03:04:05Z</LastModified><Size>7</Size></Contents>"};
  for (const auto& each : malformed) {
    CAPTURE(each);
    const auto others = listing(each + object);
    REQUIRE(others.objects.size() == 1);
    CHECK(others.objects[0].key == "a & b");
  }

  const auto why = [](const std::string& inside) {
    return error_of(Reason::decode, [&] { listing(inside); });
  };
  CHECK(why("<IsTruncated>true</IsTruncated>") ==
        "s3://lake/: a listing that is continued without a token");
  CHECK(why("<Contents><Key>a</Key></Contents>") ==
        "s3://lake/: an object without key, size or time");
  CHECK(why(object + "<Contents>") == "s3://lake/: not the XML of a listing");
  CHECK(error_of(Reason::decode, [] { read_s3_listing("<html></html>", "s3://lake/"); }) ==
        "s3://lake/: not the XML of a listing");
  CHECK(read_s3_error("no XML").empty());
  CHECK(read_s3_error("<html></html>").empty());
}
