#include "server/src/grpc_transport.h"
