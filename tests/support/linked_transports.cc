#include "tests/support/linked_transports.h"

namespace udsrpc::testing {

const bool kWithGrpc = true;

}  // namespace udsrpc::testing
