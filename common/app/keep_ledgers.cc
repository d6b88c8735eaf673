#include "common/app/keep_ledgers.h"

namespace exporter {

void keep_ledgers(App& app) {
  app.ledgers = {[](const std::string& state_dir) { return std::make_shared<Ledgers>(state_dir); },
                 &make_ledger, Ledgers::metrics()};
}

}  // namespace exporter
