#pragma once

#include "common/base/body.h"

struct MHD_Response;

namespace exporter::http {

/// A response of libmicrohttpd's that sends this body and owns it; for the caller to destroy.
/// Throws std::bad_alloc.
MHD_Response* response_with(Body body);

}  // namespace exporter::http
