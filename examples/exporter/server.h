#pragma once

#include <string>

#include "common/app/module.h"
#include "common/app/sources.h"
#include "common/http/client.h"
#include "common/ledger/ledgers.h"

/// An exporter for a fictional job server, to be copied: CONTRIBUTING.md explains it.
namespace exporter::jobs {

/// One job server: the state that its collectors share.
struct Server {
  std::string name;
  http::Client api;
  SharedLedger ledger;
};

using Module = exporter::Module<Server>;
extern const Module kQueues, kFinished;

}  // namespace exporter::jobs
