#pragma once

#include <string>

#include "common/app/module.h"
#include "common/app/sources.h"
#include "common/http/client.h"
#include "common/ledger/ledgers.h"

/// An exporter of a made-up server of jobs, to be copied: CONTRIBUTING.md walks through it.
namespace exporter::jobs {

/// One server of jobs: what its collectors share.
struct Server {
  std::string name;
  http::Client api;
  SharedLedger ledger;
};

using Module = exporter::Module<Server>;
extern const Module kQueues, kFinished;

}  // namespace exporter::jobs
