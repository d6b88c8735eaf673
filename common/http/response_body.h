#pragma once

#include "common/base/body.h"

struct MHD_Response;

namespace exporter::http {

/// A libmicrohttpd response that owns and sends this body; the caller destroys it. Throws
/// std::bad_alloc.
MHD_Response* response_with(Body body);

}  // namespace exporter::http
