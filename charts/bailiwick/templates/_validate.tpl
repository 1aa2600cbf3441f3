{{/* What a schema can't say. Every sentence names the value to change. */}}
{{- define "bailiwick.validate" -}}
{{- if .Values.agones.check -}}
{{- range list "agones.dev/v1" "autoscaling.agones.dev/v1" -}}
{{- if not ($.Capabilities.APIVersions.Has .) -}}
{{- fail (printf "\n\nThe cluster does not serve the API %s: install Agones first (1.57 or newer, https://agones.dev), with the namespaces of hosts.namespaces in its value gameservers.namespaces.\nFor `helm template` without a cluster set agones.check=false or pass --api-versions." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $values := dict "redis" .Values.redis "mongodb" .Values.mongodb -}}
{{- $ways := compact (list $values.url $values.existingSecret.name (ternary "embedded" "" $values.embedded.enabled)) -}}
{{- if ne (len $ways) 1 -}}
{{- fail (printf "\n\nSet exactly one of %s.url, %s.existingSecret.name and %s.embedded.enabled (%d are set)." $name $name $name (len $ways)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.hosts.enabled (not .Values.hosts.existingSecret) -}}
{{- if not (or .Values.hosts.redisUrl (include "bailiwick.redisUrl" .)) -}}
{{- fail "\n\nWith redis.existingSecret the chart can't know the URL for hosts: set hosts.redisUrl, or hosts.existingSecret to a Secret with REDIS_URL and MONGODB_URL in each namespace with hosts." -}}
{{- end -}}
{{- if not (or .Values.hosts.mongodbUrl (include "bailiwick.mongodbUrl" .)) -}}
{{- fail "\n\nWith mongodb.existingSecret the chart can't know the URL for hosts: set hosts.mongodbUrl, or hosts.existingSecret to a Secret with REDIS_URL and MONGODB_URL in each namespace with hosts." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.auth.issuers (not .Values.auth.publicUrl) -}}
{{- fail "\n\nSet auth.publicUrl to where browsers reach auth: issuers (auth.issuers) send players back there." -}}
{{- end -}}
{{- range $issuer := .Values.auth.issuers -}}
{{- $same := 0 -}}
{{- range $.Values.auth.issuers -}}{{- if eq .id $issuer.id -}}{{- $same = add1 $same -}}{{- end -}}{{- end -}}
{{- if gt (int $same) 1 -}}
{{- fail (printf "\n\nauth.issuers has two of the id %s: give each an id of its own." $issuer.id) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.backup.enabled (not .Values.backup.existingClaim) -}}
{{- fail "\n\nSet backup.existingClaim to a PersistentVolumeClaim in the release's namespace: backups are files on it." -}}
{{- end -}}
{{- if gt (int .Values.hosts.min) (int .Values.hosts.max) -}}
{{- fail (printf "\n\nhosts.min (%d) must not be above hosts.max (%d)." (int .Values.hosts.min) (int .Values.hosts.max)) -}}
{{- end -}}
{{- if has (int .Values.hosts.gamePort) (list 8000 8080) -}}
{{- fail "\n\nhosts.gamePort must not be 8000 or 8080: hosts serve their metrics on the one, Agones' sidecar answers its health probe on the other." -}}
{{- end -}}
{{- if .Values.watchNamespaces -}}
{{- range include "bailiwick.hostNamespaces" . | fromJsonArray -}}
{{- if and $.Values.hosts.enabled (not (has . $.Values.watchNamespaces)) -}}
{{- fail (printf "\n\nhosts.namespaces holds %s, which watchNamespaces does not: the operator would not look after its zones." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
