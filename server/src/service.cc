#include "udsrpc/service.h"

namespace udsrpc {

Service::~Service() = default;

}  // namespace udsrpc
