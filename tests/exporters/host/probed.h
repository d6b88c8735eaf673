#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/collect/collector.h"
#include "tests/support/scripted_server.h"

/// Shared by tests of the collector `probe`.
namespace probed {

using namespace exporter;
using namespace std::chrono_literals;

using Texts = std::vector<std::string>;
using Given = std::map<std::string, Texts>;

/// The certificate of a server or an authority, or a key; made once.
std::filesystem::path file(const std::string& name);

CollectFunction make_probe(const Given& given);

/// The samples of a run by series, and the duration of the run.
struct Run {
  std::map<std::string, double> values;
  Clock::duration took{};

  double at(const std::string& series) const;
};

Run run(const CollectFunction& collect, const Deadline& deadline = Deadline::in(60s));
Run run(const Texts& targets, const std::string& timeout = "9s",
        const std::string& ca_file = "ca.pem");

std::string series(const std::string& name, const std::string& target,
                   const std::string& more = {});

/// The page's data on a finished target, without times and expiry: "ok", or the reason; the phases;
/// the status.
std::string told(const Run& run, const std::string& target);
std::string told(const std::string& target);

ScriptedServer::Tls tls(const std::string& name);
Script hello();

}  // namespace probed
